/** Interleaved timing: every round gives each contender one turn, so that a slower moment of the machine meets all. */

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

async function timeRuns(run, repeats) {
  const start = performance.now();
  for (let i = 0; i < repeats; ++i) await run();
  return (performance.now() - start) / repeats;
}

/** JavaScript engines first run code from a quick compiler, and replace it by faster code as they go. */
export async function warmUp(run) {
  const leastMs = 400;
  const end = performance.now() + leastMs;
  do await run();
  while (performance.now() < end);
}

/**
 * @param {Record<string, () => Promise<unknown>>} runs
 * @param {number} seconds how long to measure in all, after a warm-up
 * @returns {Promise<Record<string, number>>} the median of each in milliseconds
 */
export async function measureInterleaved(runs, seconds) {
  const shortestTurnMs = 2;
  const fewestRounds = 5;
  const repeats = {};
  for (const [name, run] of Object.entries(runs)) {
    await warmUp(run);
    repeats[name] = Math.max(1, Math.ceil(shortestTurnMs / (await timeRuns(run, 3))));
  }
  const times = Object.fromEntries(Object.keys(runs).map((name) => [name, []]));
  const end = performance.now() + 1000 * seconds;
  for (let round = 0; round < fewestRounds || performance.now() < end; ++round) {
    for (const [name, run] of Object.entries(runs)) {
      times[name].push(await timeRuns(run, repeats[name]));
    }
  }
  return Object.fromEntries(Object.entries(times).map(([name, list]) => [name, median(list)]));
}
