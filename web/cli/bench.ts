import { type Source, env, inspect } from './index.js';
import { type Command, type Flag, countOf, dim, json, sizesFrom } from './command.js';
import { randomFeeds } from './random_feeds.js';
import { modelFrom } from './files.js';
import { withSession } from './session.js';
import { print, printJson, showProgress } from './terminal.js';

const runs: Flag = { flag: 'runs', argument: 'N', help: 'how often; 20 unless told' };
const threads: Flag = { flag: 'threads', argument: 'N', help: 'how many share the work' };

/** Milliseconds of each run, of which the first prepares the others. */
async function timesOf(model: Source, sizes: Record<string, number>, count: number) {
  const start = performance.now();
  return withSession(model, async (session) => {
    const createMs = performance.now() - start;
    const feeds = randomFeeds(session, sizes);
    const times: number[] = [];
    while (times.length <= count) {
      const begin = performance.now();
      await session.run(feeds);
      times.push(performance.now() - begin);
      showProgress?.({ phase: 'runs', done: times.length, total: count + 1 });
    }
    return { createMs, times };
  });
}

export const bench: Command = {
  summary: 'time a model',
  arguments: ['MODEL'],
  flags: [runs, threads, dim, json],
  async run([path], values) {
    const count = countOf(runs.flag, values.runs ?? 20);
    if (values.threads !== undefined) env.wasm.numThreads = countOf(threads.flag, values.threads);
    const model = await modelFrom(path);
    const sizes = sizesFrom(values);
    const { macs } = await inspect(model, { freeDimensions: sizes });
    const { createMs, times } = await timesOf(model, sizes, count);
    const [firstMs, ...rest] = times;
    rest.sort((a, b) => a - b);
    const medianMs = rest[rest.length >> 1];
    const result = {
      createMs,
      firstMs,
      medianMs,
      minMs: rest[0],
      runs: count,
      threads: env.octet.threads,
      gmacPerSecond: macs === null ? null : macs / medianMs / 1e6,
    };
    if (values.json) return printJson(result);
    const rate = result.gmacPerSecond;
    await print(
      `create ${createMs.toFixed(1)} ms, first run ${firstMs.toFixed(1)} ms, ` +
        `median ${medianMs.toFixed(2)} ms, best ${rest[0].toFixed(2)} ms, threads: ${result.threads}` +
        (rate === null ? '' : `, ${rate.toFixed(1)} GMAC/s`),
    );
  },
};
