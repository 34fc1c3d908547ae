/**
 * Interleaved timing: every round gives each contender one turn, so that a slower moment of the machine meets all.
 *
 * Threads outlast the run that woke them: onnxruntime-web's spin for some 15 ms and so take a processor from whoever is
 * next, and compilers of JavaScript engines go on in the background for a second. Where contenders have threads, every
 * turn therefore begins with a lead-in that is not measured, in which the last one's threads fall asleep and its own wake
 * up, and the warm-up ends with a rest.
 */

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

const rest = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function runFor(run, leastMs) {
  const end = performance.now() + leastMs;
  do await run();
  while (performance.now() < end);
}

/** JavaScript engines first run code from a quick compiler, and replace it by faster code as they go. */
export const warmUp = (run) => runFor(run, 400);

/**
 * @param {Record<string, () => Promise<unknown>>} runs
 * @param {number} seconds how long to measure in all, after a warm-up
 * @param {boolean} haveThreads whether there are contenders with several threads
 * @returns {Promise<Record<string, number>>} the median of each in milliseconds
 */
export async function measureInterleaved(runs, seconds, haveThreads = false) {
  const leadInMs = 30;
  const backgroundMs = 1000;
  const shortestTurnMs = 2;
  const fewestRounds = 5;
  const repeats = {};
  for (const [name, run] of Object.entries(runs)) {
    await warmUp(run);
    repeats[name] = Math.max(1, Math.ceil(shortestTurnMs / (await timeRuns(run, 3))));
  }
  if (haveThreads) await rest(backgroundMs);
  const times = Object.fromEntries(Object.keys(runs).map((name) => [name, []]));
  const end = performance.now() + 1000 * seconds;
  for (let round = 0; round < fewestRounds || performance.now() < end; ++round) {
    for (const [name, run] of Object.entries(runs)) {
      if (haveThreads) await runFor(run, leadInMs);
      times[name].push(await timeRuns(run, repeats[name]));
    }
  }
  return Object.fromEntries(Object.entries(times).map(([name, list]) => [name, median(list)]));
}
