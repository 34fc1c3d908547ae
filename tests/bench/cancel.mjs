/** How soon aborts end the work, on large networks. */
import fs from 'node:fs';
import { casesOf, network } from '../models/networks.mjs';
import { Random } from '../models/random.mjs';
import { octet } from './contenders.mjs';
import { median } from './measure.mjs';
import { printHeader, printRow, showMs } from './table.mjs';

const subjects = [
  { name: 'resnet50', variant: 0 },
  { name: 'decoder', variant: 0 },
  { name: 'ocr_det', variant: 1 },
];

const modes = {
  dynamic: { mode: 'dynamic' },
  'weight-only int4': { mode: 'weight-only', weights: { type: 'int4' } },
  'weight-only float16': { mode: 'weight-only', weights: { type: 'float16' } },
  gptq: { mode: 'weight-only', weights: { type: 'int4', method: 'gptq' }, samples: 1 },
  static: { mode: 'static', samples: 2 },
  'static entropy': { mode: 'static', activations: { method: 'entropy' }, samples: 2 },
  adaround: { mode: 'static', weights: { method: 'adaround' }, samples: 1 },
  corrections: {
    mode: 'static',
    correct: { equalize: true, smoothQuant: 0.5, biasCorrection: true },
    samples: 1,
  },
  mixed: { mode: 'mixed', target: { minSqnrDb: 30 }, samples: 1 },
  compare: { samples: 2 },
};

/** Of this much of the work, for some would take minutes. */
const longestMs = 8000;

function begin(source, feeds, { samples, ...options }, signal) {
  const calibration = samples === undefined ? undefined : new Array(samples).fill(feeds);
  if (!options.mode) return octet.compare(source, source, calibration, { signal });
  return octet.quantize(source, { ...options, calibration, signal });
}

/**
 * How long one abort takes: in milliseconds from the call of abort() and from when it was due, which work may have kept it from;
 * and the processor time from then on. Nothing if the work was done before.
 */
async function endingOf(source, feeds, options, dueMs) {
  const stop = new AbortController();
  const start = performance.now();
  let called;
  let cpuThen;
  const watch = setInterval(() => {
    if (performance.now() - start <= dueMs) cpuThen = process.cpuUsage();
  }, 5);
  setTimeout(() => {
    called = performance.now();
    stop.abort();
  }, dueMs);
  try {
    await begin(source, feeds, options, stop.signal);
    return undefined;
  } catch (error) {
    if (error.code !== 'aborted') throw error;
    const { user, system } = process.cpuUsage(cpuThen);
    const now = performance.now();
    return {
      fromCallMs: now - called,
      fromDueMs: now - start - dueMs,
      cpuMs: cpuThen && (user + system) / 1000,
    };
  } finally {
    clearInterval(watch);
  }
}

async function measureMode(source, feeds, options, random, rounds) {
  const start = performance.now();
  await begin(source, feeds, options, AbortSignal.timeout(longestMs)).catch(() => {});
  const whole = Math.min(performance.now() - start, longestMs);
  const endings = [];
  for (let i = 0; i < rounds; ++i) {
    const dueMs = (whole * (i + random.uniform())) / rounds;
    const ending = await endingOf(source, feeds, options, dueMs);
    if (ending) endings.push(ending);
  }
  return endings;
}

/** @param {number} rounds aborts by mode and network, at moments all over the work */
export async function measureCancel(rounds) {
  printHeader([
    'milliseconds until the work has ended',
    'aborts',
    'from abort(), longest',
    'from when it was due, longest',
    'the same, processor time',
    'from when it was due, median',
  ]);
  const results = [];
  for (const { name, variant } of subjects) {
    const source = fs.readFileSync(await network(name).locate());
    const feeds = Object.fromEntries(
      Object.entries(casesOf(network(name))[variant].steps[0].feeds).map(
        ([input, { type, dims, data }]) => [input, new octet.Tensor(type, data, dims)],
      ),
    );
    for (const [mode, options] of Object.entries(modes)) {
      const endings = await measureMode(source, feeds, options, new Random(mode), rounds);
      const longest = (key) => Math.max(...endings.map((ending) => ending[key] ?? 0));
      printRow([
        `${name}, ${mode}`,
        String(endings.length),
        ...['fromCallMs', 'fromDueMs', 'cpuMs'].map((key) => showMs(longest(key))),
        showMs(median(endings.map(({ fromDueMs }) => fromDueMs))),
      ]);
      results.push({ name, mode, endings });
    }
  }
  return results;
}
