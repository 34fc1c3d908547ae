/**
 * One measurement of what quantizing costs, in a process of its own: `node quantize_once.mjs ENTRY WHAT NETWORK CASE [OPTIONS]`,
 * where ENTRY is the package's module and OPTIONS are JSON. Prints JSON.
 *
 *   quantize   quantizes with OPTIONS, which may ask for a number of `samples`
 *   run        runs the float model OPTIONS.runs times
 *   share      both at a time: quantizes with OPTIONS and `measure: false`, and with OPTIONS, and beside each tells what plain runs of
 *              the same samples took meanwhile, and how many runs of the float model it made in all
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

async function quantize(source, options) {
  const timed = stopwatch();
  const { model, report } = await octet.quantize(source, options);
  const floatRuns = (report.samples ?? 0) + (report.latency?.runs ?? 0); // of the report
  return { ...timed(), modelBytes: model.length, floatRuns };
}

const quantizeCalibrated = (source, feeds, { samples, ...given }) =>
  quantize(source, {
    ...given,
    calibration:
      samples === undefined ? undefined : { [Symbol.iterator]: () => samplesOf(feeds, samples) },
  });

/**
 * Quantizes, and before each sample that calibrates runs the float model on it: both meet the machine in the same moods. Both have
 * been done once before: neither memory nor compiled code is new to either.
 */
async function quantizeBesideRuns(source, feeds, { samples: count, ...given }) {
  const session = await octet.InferenceSession.create(source);
  const samples = [...samplesOf(feeds, count)];
  await session.run(samples[0]);
  await octet.quantize(source, { ...given, calibration: samples.slice(0, 1) });
  const runs = { cpuMs: 0, clockMs: 0 };
  let timedRuns = 0;
  async function* calibration() {
    for (const sample of samples) {
      if (timedRuns++ < count) {
        const timed = stopwatch();
        await session.run(sample);
        const { cpuMs, clockMs } = timed();
        runs.cpuMs += cpuMs;
        runs.clockMs += clockMs;
      }
      yield sample;
    }
  }
  const again = { [Symbol.asyncIterator]: calibration };
  const made = await quantize(source, { ...given, calibration: again });
  await session.release();
  made.cpuMs -= runs.cpuMs;
  made.clockMs -= runs.clockMs;
  return { runs, made: { ...made, floatRuns: count + made.floatRuns } };
}

const compareWithRuns = async (source, feeds, options) => ({
  unmeasured: await quantizeBesideRuns(source, feeds, { ...options, measure: false }),
  whole: await quantizeBesideRuns(source, feeds, options),
});

const measurements = { quantize: quantizeCalibrated, run: runAll, share: compareWithRuns };

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
