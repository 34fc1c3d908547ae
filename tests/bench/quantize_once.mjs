/**
 * One measurement of what quantizing costs, in a process of its own: `node quantize_once.mjs ENTRY WHAT NETWORK CASE [OPTIONS]`,
 * where ENTRY is the package's module and OPTIONS are JSON. Prints JSON.
 *
 *   quantize   quantizes with OPTIONS, which may ask for a number of `samples`
 *   run        runs the float model OPTIONS.runs times
 *   share      both, in turn: quantizes with OPTIONS and `measure: false`, and with OPTIONS, and beside each tells the mean of what as
 *              many runs as there are samples took before and after it, and how many runs of the float model it made in all
 *
 * Times are the process's processor time (and, beside it, by the clock). `peakBytes` is how far the memory of the process grew
 * beyond what it had with the engine loaded and nothing read, the file of the model included; `heapBytes` are all WebAssembly
 * memories, which never shrink.
 */
import fs from 'node:fs';
import { watchMemories } from '../js/wasm_memory.mjs';
import { casesOf, network } from '../models/networks.mjs';

const [entry, what, name, variant, options] = process.argv.slice(2);
const heapBytes = watchMemories();
const octet = await import(entry);
octet.env.wasm.numThreads = 1;

/** Every sample is made when it is asked for, and differs from the others. */
function* samplesOf(feeds, count) {
  for (let i = 0; i < count; ++i)
    yield Object.fromEntries(
      Object.entries(feeds).map(([input, { type, dims, data }]) => {
        const factor = 1 - i / (4 * count);
        const values = type === 'float32' ? data.map((value) => value * factor) : data;
        return [input, new octet.Tensor(type, values, dims)];
      }),
    );
}

async function runAll(source, feeds, { runs }) {
  const session = await octet.InferenceSession.create(source);
  const samples = samplesOf(feeds, runs + 1);
  await session.run(samples.next().value);
  const timed = stopwatch();
  for (const sample of samples) await session.run(sample);
  const times = timed();
  await session.release();
  return times;
}

async function quantize(source, feeds, { samples, ...given }) {
  const calibration =
    samples === undefined ? undefined : { [Symbol.iterator]: () => samplesOf(feeds, samples) };
  const timed = stopwatch();
  const { model, report } = await octet.quantize(source, { ...given, calibration });
  const floatRuns = (samples ?? 0) + (report.samples ?? 0) + (report.latency?.runs ?? 0);
  return { ...timed(), modelBytes: model.length, floatRuns };
}

async function compareWithRuns(source, feeds, options) {
  const runs = { runs: options.samples };
  const jobs = { unmeasured: { ...options, measure: false }, whole: options };
  const found = {};
  let before = await runAll(source, feeds, runs);
  for (const [name, job] of Object.entries(jobs)) {
    const made = await quantize(source, feeds, job);
    const after = await runAll(source, feeds, runs);
    const mean = (key) => (before[key] + after[key]) / 2;
    found[name] = { made, runs: { cpuMs: mean('cpuMs'), clockMs: mean('clockMs') } };
    before = after;
  }
  return found;
}

const measurements = { quantize, run: runAll, share: compareWithRuns };

function stopwatch() {
  const [cpu, clock] = [process.cpuUsage(), performance.now()];
  return () => {
    const { user, system } = process.cpuUsage(cpu);
    return { cpuMs: (user + system) / 1000, clockMs: performance.now() - clock };
  };
}

const { feeds } = casesOf(network(name))[variant].steps[0];
const mnist = fs.readFileSync(await network('mnist').locate());
await octet.quantize(mnist, { mode: 'dynamic' });
const before = process.memoryUsage.rss();
const source = fs.readFileSync(await network(name).locate());
const result = await measurements[what](source, feeds, JSON.parse(options ?? '{}'));
const peakBytes = process.resourceUsage().maxRSS * 1024 - before;
console.log(
  JSON.stringify({ ...result, peakBytes, heapBytes: heapBytes(), fileBytes: source.length }),
);
