/** A thousand sessions one after the other leave nothing in either heap; hundreds of runs at once each get their own answer. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { network } from '../models/networks.mjs';
import { GraphBuilder, encodeModel, tensor } from '../models/onnx_builder.mjs';
import { Random } from '../models/random.mjs';
import { assertOutputsClose } from './closeness.mjs';
import { entry, octet } from './package_under_test.mjs';
import { exactReference, withSession } from './sessions.mjs';

const size = 256;

/** A product that is large enough for several threads. */
function product(rows) {
  const graph = new GraphBuilder('product');
  const weights = tensor('float32', [size, size], new Random('weights').normals(size * size));
  const operands = [
    graph.input('x', 'float32', [rows, size]),
    graph.initializer('weights', weights),
  ];
  graph.output(graph.add('MatMul', operands, {}, ['y']), 'float32', [rows, size]);
  return encodeModel(graph, { opset: 17 });
}

const quantized = async (model) => (await octet.quantize(model, { mode: 'dynamic' })).model;
const mnist = new Uint8Array(fs.readFileSync(await network('mnist').locate()));
const models = {
  small: mnist,
  'small quantized': await quantized(mnist),
  wide: product(64),
  'wide quantized': await quantized(product(64)),
};

describe('a thousand sessions', () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'octet-endurance-'));
  after(() => fs.rmSync(folder, { recursive: true }));
  const child = fileURLToPath(new URL('cycles_child.mjs', import.meta.url));
  // What V8 learns of functions and compiles lies in the same heap, and grows for thousands of rounds.
  const flags = ['--expose-gc', '--no-opt', '--no-sparkplug', '--no-lazy-feedback-allocation'];

  for (const [name, model] of Object.entries(models)) {
    const numThreads = name.startsWith('wide') ? 2 : 1;
    test(`of a ${name} model, on ${numThreads} of the threads, leave the heaps as the first fifty did`, () => {
      const file = path.join(folder, 'model.onnx');
      fs.writeFileSync(file, model);
      const parameters = [child, entry.href, file, JSON.stringify({ numThreads }), '1000'];
      const told = execFileSync(process.execPath, [...flags, ...parameters], { encoding: 'utf8' });
      const { points, threads } = JSON.parse(told);
      assert.deepEqual(threads, [numThreads]);
      const [{ done, wasm, javaScript }, ...rest] = points;
      assert.equal(done, 50);
      assert.equal(rest.at(-1).done, 1000);
      for (const point of rest) {
        assert.equal(point.wasm, wasm, `WebAssembly after ${point.done}`);
        const growth = Math.abs(point.javaScript / javaScript - 1);
        assert.ok(growth <= 0.02, `JavaScript after ${point.done}: ${JSON.stringify(points)}`);
      }
    });
  }
});

const runs = 25;
const tolerance = { relative: 1e-3, absolute: 1e-3 };
const eight = [...Object.values(models), ...Object.values(models)];

/** As many feeds, all different. */
function feedsOf({ inputMetadata }, name) {
  const random = new Random(name);
  const [{ name: input, shape }] = inputMetadata;
  const dims = shape.map((dim) => (typeof dim === 'number' ? dim : 1));
  const count = dims.reduce((product, dim) => product * dim, 1);
  return Array.from({ length: runs }, () => ({
    [input]: { type: 'float32', dims, data: Float32Array.from(random.normals(count, 0, 0.2)) },
  }));
}

const feedsWith = ({ Tensor }, feeds) =>
  Object.fromEntries(
    Object.entries(feeds).map(([name, { type, dims, data }]) => [
      name,
      new Tensor(type, data, dims),
    ]),
  );

for (const numThreads of [1, 2])
  test(`two hundred runs at once of eight sessions are right, on ${numThreads} of the threads`, async () => {
    const library = await import(`${entry}?threads=${numThreads}`);
    library.env.wasm.numThreads = numThreads;
    const sessions = await Promise.all(
      eight.map((model) => library.InferenceSession.create(model)),
    );
    const feeds = sessions.map((session, i) => feedsOf(session, `session ${i}`));
    // The first of every session, then the second of every session, and so on.
    const started = Array.from({ length: runs }, (_, run) =>
      sessions.map((session, i) => session.run(feedsWith(library, feeds[i][run]))),
    );
    const answers = await Promise.all(started.map((round) => Promise.all(round)));
    assert.equal(library.env.octet.threads, numThreads);
    const texts = answers.flat().map((outputs) => Object.values(outputs)[0].data.join());
    // Each model has two sessions, but no two runs have the same feeds.
    assert.equal(new Set(texts).size, texts.length);
    await Promise.all(sessions.map((session) => session.release()));
    for (const [i, model] of eight.entries())
      await withSession(exactReference, model, async (session) => {
        for (const [run, given] of feeds[i].entries()) {
          const expected = await session.run(feedsWith(exactReference, given));
          assertOutputsClose(answers[run][i], expected, tolerance, `session ${i}, run ${run}`);
        }
      });
  });
