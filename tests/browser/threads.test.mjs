/** What pages download for threads, and that the bits stay when workers have joined. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { network } from '../models/networks.mjs';
import { openPackagePage } from './package_page.mjs';

const model = fs.readFileSync(await network('mobilenet_v2').locate());

/** Runs in the page: the outputs of several runs, between which workers may come. */
async function answerInPage([url, numThreads]) {
  const { InferenceSession, Tensor, env } = await import('/octet/index.js');
  env.wasm.numThreads = numThreads;
  const session = await InferenceSession.create(new URL(url, document.baseURI));
  const dims = [1, 3, 224, 224];
  const image = new Tensor(
    Float32Array.from({ length: 3 * 224 * 224 }, (_, i) => Math.sin(i)),
    dims,
  );
  const outputs = [];
  for (let i = 0; i < 10; ++i) {
    const [output] = Object.values(await session.run({ [session.inputNames[0]]: image }));
    outputs.push([...output.data]);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await session.release();
  return outputs;
}

/** The outputs, and the names of the files that the page asked for. */
async function visit(isolated, numThreads) {
  const host = await openPackagePage({ isolated });
  const loaded = new Set();
  host.page.context().on('request', (request) => loaded.add(path.basename(request.url())));
  try {
    const url = host.publish('/model.onnx', model);
    return { outputs: await host.page.evaluate(answerInPage, [url, numThreads]), loaded };
  } finally {
    await host.close();
  }
}

const forThreads = ['octet-mt.js', 'octet-mt.wasm', 'octet.thread.js'];

test('an isolated page that wants threads downloads what they need, and no second engine', async () => {
  const one = await visit(true, 1);
  const two = await visit(true, 2);
  assert.deepEqual(two.outputs, one.outputs);
  assert.deepEqual(
    forThreads.filter((name) => two.loaded.has(name)),
    forThreads,
  );
  assert.ok(!two.loaded.has('octet.wasm'));
  for (const name of forThreads) assert.ok(!one.loaded.has(name), name);
});

test('another page downloads nothing for threads', async () => {
  const { loaded } = await visit(false, 2);
  assert.ok(loaded.has('octet.wasm'));
  for (const name of forThreads) assert.ok(!loaded.has(name), name);
});
