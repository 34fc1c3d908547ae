/** Which kernels and threads the engine takes in Chromium, and that integers come out the same with each. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { octet } from '../js/package_under_test.mjs';
import { casesOf, network } from '../models/networks.mjs';
import { openPackagePage } from './package_page.mjs';

const net = network('mobilenet_v2');
const { feeds } = casesOf(net)[0].steps[0];
const [input] = Object.keys(feeds);

/** Runs in the page: the engine that these settings give, and the outputs of the model when it has quantized it. */
async function answerInPage({ settings, model, input, type, dims, data }) {
  const { InferenceSession, Tensor, env, quantize } = await import('/octet/index.js');
  const load = async (url) => (await fetch(url)).arrayBuffer();
  Object.assign(env.wasm, settings);
  const quantized = await quantize(await load(model), { mode: 'dynamic' });
  const session = await InferenceSession.create(quantized.model);
  const tensor = new Tensor(type, new Float32Array(await load(data)), dims);
  const outputs = await session.run({ [input]: tensor });
  await session.release();
  const numbers = Object.values(outputs).map((output) => [...output.data]);
  return { simd: env.octet.simd, threads: env.octet.threads, numbers };
}

async function answerInNode(model) {
  const quantized = await octet.quantize(model, { mode: 'dynamic' });
  const session = await octet.InferenceSession.create(quantized.model);
  const { type, dims, data } = feeds[input];
  const outputs = await session.run({ [input]: new octet.Tensor(type, data, dims) });
  await session.release();
  return Object.values(outputs).map((output) => [...output.data]);
}

function asking(host, model) {
  const { type, dims, data } = feeds[input];
  const files = { model: host.publish('/model', model), data: host.publish('/data', data) };
  return async (settings) => {
    await host.reload();
    return host.page.evaluate(answerInPage, { settings, input, type, dims, ...files });
  };
}

describe('the engine in Chromium', () => {
  let model, expected;
  before(async () => {
    model = new Uint8Array(fs.readFileSync(await net.locate()));
    expected = await answerInNode(model);
  });

  describe('on an isolated page', () => {
    let host, answer;
    before(async () => {
      host = await openPackagePage();
      answer = asking(host, model);
    });
    after(() => host?.close());

    for (const simd of ['fixed', 'relaxed'])
      for (const numThreads of [1, 2])
        test(`${simd} SIMD, threads: ${numThreads}`, async () => {
          const { numbers, ...engine } = await answer({ simd, numThreads });
          assert.deepEqual(engine, {
            simd: simd === 'fixed' ? 'simd128' : 'relaxed',
            threads: numThreads,
          });
          assert.deepEqual(numbers, expected);
        });

    test('left alone it takes relaxed SIMD and half of the cores', async () => {
      const cores = await host.page.evaluate(() => navigator.hardwareConcurrency);
      const { simd, threads, numbers } = await answer({});
      assert.deepEqual(
        { simd, threads },
        { simd: 'relaxed', threads: Math.min(4, Math.ceil(cores / 2)) },
      );
      assert.deepEqual(numbers, expected);
    });
  });

  test('on other pages it takes one thread', async () => {
    const host = await openPackagePage({ isolated: false });
    try {
      const { threads, numbers } = await asking(host, model)({});
      assert.equal(threads, 1);
      assert.deepEqual(numbers, expected);
    } finally {
      await host.close();
    }
  });
});
