/**
 * Aborts: at every moment of every mode they end the work soon, and leave the engine, its memory and the samples' iterator as
 * they should be. `./octet bench --cancel` measures how soon, on large networks.
 */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { describe, test } from 'node:test';
import { casesOf, network } from '../models/networks.mjs';
import { octet } from './package_under_test.mjs';
import { watchMemories } from './wasm_memory.mjs';

const heapBytes = watchMemories();
const subject = network('ocr_cls');
const source = new Uint8Array(fs.readFileSync(await subject.locate()));
/** What takes many slices even where no samples are run. */
const manyWeights = async () => new Uint8Array(fs.readFileSync(await network('resnet50').locate()));
const feeds = Object.fromEntries(
  Object.entries(casesOf(subject)[0].steps[0].feeds).map(([name, { type, dims, data }]) => [
    name,
    new octet.Tensor(type, data, dims),
  ]),
);

const work = {
  dynamic: { mode: 'dynamic' },
  'weight-only': { mode: 'weight-only', weights: { type: 'int4' } },
  gptq: { mode: 'weight-only', weights: { type: 'int4', method: 'gptq' } },
  static: { mode: 'static' },
  adaround: { mode: 'static', weights: { method: 'adaround' } },
  corrections: { mode: 'static', correct: { equalize: true, biasCorrection: true } },
  mixed: { mode: 'mixed', target: { minSqnrDb: 25 } },
};
const isSampled = ({ mode, weights }) =>
  mode === 'static' || mode === 'mixed' || weights?.method === 'gptq';

/** Samples that tell how many iterations of them were begun, and how many ended. */
function countedSamples(count) {
  const tally = { begun: 0, ended: 0 };
  const make = async function* () {
    tally.begun += 1;
    try {
      for (let i = 0; i < count; ++i) yield feeds;
    } finally {
      tally.ended += 1;
    }
  };
  return { tally, samples: { [Symbol.asyncIterator]: make } };
}

function start(options, signal, model) {
  if (!isSampled(options)) return { job: octet.quantize(model, { ...options, signal }) };
  const { tally, samples: calibration } = countedSamples(3);
  return { tally, job: octet.quantize(model, { ...options, signal, calibration }) };
}

async function abortAfter(options, milliseconds, model = source) {
  const stop = new AbortController();
  const { tally, job } = start(options, stop.signal, model);
  setTimeout(() => stop.abort('enough'), milliseconds);
  const error = await job.then(
    () => undefined,
    (reason) => reason,
  );
  await new Promise(setImmediate);
  if (tally) assert.equal(tally.ended, tally.begun);
  return error;
}

/** Up to a few seconds of the work, so that aborts meet all of its parts. */
async function duration(options, model) {
  const begin = performance.now();
  await abortAfter(options, 4000, model);
  return performance.now() - begin;
}

for (const [name, options] of Object.entries(work)) {
  test(`${name}: aborted at any moment`, async () => {
    const model = isSampled(options) ? source : await manyWeights();
    const whole = await duration(options, model);
    let aborted = 0;
    for (let i = 0; i < 8; ++i) {
      const error = await abortAfter(options, (whole * i) / 8, model);
      if (error === undefined) continue;
      aborted += 1;
      assert.equal(error.code, 'aborted');
      assert.equal(error.cause, 'enough');
    }
    assert.ok(aborted > 0);
    const quantized = await octet.quantize(source, { mode: 'dynamic' });
    const session = await octet.InferenceSession.create(quantized.model);
    await session.run(feeds);
    await session.release();
  });
}

test('comparisons are aborted as well', async () => {
  for (const milliseconds of [0, 20, 60, 150, 400]) {
    const stop = new AbortController();
    const { tally, samples } = countedSamples(1000);
    const comparison = octet.compare(source, source, samples, { signal: stop.signal });
    setTimeout(() => stop.abort(), milliseconds);
    await assert.rejects(comparison, { code: 'aborted' });
    await new Promise(setImmediate);
    assert.equal(tally.ended, tally.begun);
  }
});

test('twenty aborted quantizations leave no memory behind', async () => {
  const round = async (i) => {
    await abortAfter(work.static, 15 * (i % 5));
    await abortAfter(work['weight-only'], 5 * (i % 5));
  };
  for (let i = 0; i < 10; ++i) await round(i);
  await octet.quantize(source, { mode: 'static', calibration: [feeds] });
  const before = heapBytes();
  for (let i = 0; i < 20; ++i) await round(i);
  assert.equal(heapBytes(), before);
});

describe('what never answers is not waited for', () => {
  const never = () => new Promise(() => {});
  const abortSoon = () => {
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 30);
    return stop.signal;
  };

  test('a sample', async () => {
    let returned = 0;
    const iterator = {
      next: never,
      return() {
        returned += 1;
        return never();
      },
    };
    const calibration = { [Symbol.asyncIterator]: () => iterator };
    for (const options of [work.static, work.gptq]) {
      const job = octet.quantize(source, { ...options, calibration, signal: abortSoon() });
      await assert.rejects(job, { code: 'aborted' });
    }
    assert.equal(returned, 2);
  });

  test('a source', async () => {
    const blob = new Blob([source]);
    blob.slice = () => ({ arrayBuffer: never });
    for (const mode of ['dynamic', 'static', 'mixed']) {
      const options = { ...work[mode], signal: abortSoon() };
      const calibration = mode === 'dynamic' ? undefined : [feeds];
      await assert.rejects(octet.quantize(blob, { ...options, calibration }), { code: 'aborted' });
    }
  });
});

test('a signal that is aborted already, and what is no signal', async () => {
  const signal = AbortSignal.abort();
  for (const options of Object.values(work)) {
    const calibration = isSampled(options) ? [feeds] : undefined;
    await assert.rejects(octet.quantize(source, { ...options, calibration, signal }), {
      code: 'aborted',
    });
  }
  await assert.rejects(octet.compare(source, source, [feeds], { signal }), { code: 'aborted' });
  await assert.rejects(octet.quantize(source, { mode: 'dynamic', signal: 5 }), {
    code: 'invalid-option',
  });
});

test('an error of onProgress passes through', async () => {
  const failure = new Error('no more');
  const onProgress = () => {
    throw failure;
  };
  const { tally, samples: calibration } = countedSamples(3);
  const job = octet.quantize(source, { mode: 'static', calibration, onProgress });
  assert.equal(await job.catch((error) => error), failure);
  assert.equal(tally.ended, tally.begun);
});

test('bytes that their owner takes away while they are read', async () => {
  const large = network('mobilenet_v2');
  const bytes = new Uint8Array(fs.readFileSync(await large.locate()));
  const onProgress = () => {
    if (bytes.length > 0) structuredClone(bytes, { transfer: [bytes.buffer] });
  };
  await assert.rejects(octet.quantize(bytes, { mode: 'dynamic', onProgress }), {
    code: 'invalid-input',
    message: /detached/,
  });
  await octet.quantize(source, { mode: 'dynamic' });
});
