// What stays in the heap, and whose bytes a session reads.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import test from 'node:test';
import { casesOf, network } from '../models/networks.mjs';
import { GraphBuilder, encodeModel, tensor } from '../models/onnx_builder.mjs';
import { Random } from '../models/random.mjs';
import { octet } from './package_under_test.mjs';
import { candidate, runSteps, withSession } from './sessions.mjs';
import { watchMemories } from './wasm_memory.mjs';

const heapBytes = watchMemories();
const library = candidate(octet);
const mobilenet = network('mobilenet_v2');
const cases = casesOf(mobilenet);
const model = new Uint8Array(fs.readFileSync(await mobilenet.locate()));

const answers = (session, { steps }) => runSteps(library, session, steps);
const plain = (results) => results.map((outputs) => Object.values(outputs).map(({ data }) => data));

test('the heap holds the packed weights alone', async () => {
  await withSession(library, model, (session) => answers(session, cases[0]));
  assert.ok(heapBytes() < 2 * model.length, `${heapBytes()} bytes for ${model.length}`);
});

test('released sessions and finished quantizations leave no memory behind', async () => {
  const round = async () => {
    await withSession(library, model, (session) => answers(session, cases[0]));
    await octet.quantize(model, { mode: 'dynamic' });
  };
  await round();
  await round();
  const before = heapBytes();
  for (let i = 0; i < 20; ++i) await round();
  assert.equal(heapBytes(), before);
});

test('a session does not depend on what its caller does with the model', async () => {
  const expected = await withSession(library, model, async (session) => [
    plain(await answers(session, cases[0])),
    plain(await answers(session, cases[1])),
  ]);
  const spoilers = [
    (bytes) => bytes.fill(0),
    (bytes) => structuredClone(bytes, { transfer: [bytes.buffer] }),
  ];
  for (const spoil of spoilers) {
    const bytes = model.slice();
    await withSession(library, bytes, async (session) => {
      spoil(bytes);
      assert.deepEqual(plain(await answers(session, cases[0])), expected[0]);
      assert.deepEqual(plain(await answers(session, cases[1])), expected[1]);
    });
  }
});

/** Few numbers come in and go out, and `width` times as many are in between. */
function wideInside(width) {
  const graph = new GraphBuilder('inside');
  const row = graph.initializer(
    'row',
    tensor('float32', [1, width], new Float32Array(width).fill(1)),
  );
  const wide = graph.add('Mul', [graph.input('x', 'float32', ['rows', 1]), row]);
  const sums = graph.add('ReduceSum', [graph.add('Softmax', [wide])], { keepdims: 0 }, ['y']);
  graph.output(sums, 'float32', []);
  return encodeModel(graph, { opset: 17 });
}

test('a run of larger shapes does without the memory of the smaller ones', async () => {
  const width = 1024;
  const bytesOf = (rows) => 4 * rows * width;
  const [few, many] = [16_384, 18_432];
  await withSession(library, wideInside(width), async (session) => {
    const run = (rows) =>
      session.run({ x: new octet.Tensor('float32', new Float32Array(rows), [rows, 1]) });
    await run(few);
    const before = heapBytes();
    assert.ok(before > bytesOf(few));
    const { y } = await run(many);
    assert.ok(Math.abs(y.data[0] - many) < 1, `${y.data[0]}`);
    assert.ok(heapBytes() - before < bytesOf(few) / 2, `${heapBytes() - before} bytes more`);
  });
});

const inputs = 64;

/** A product of 1 MB of weights that is soon quantized. */
function wideProduct() {
  const graph = new GraphBuilder('wide');
  const random = new Random('wide');
  const outputs = 4096;
  const weights = tensor('float32', [inputs, outputs], random.normals(inputs * outputs));
  const operands = [graph.input('x', 'float32', [1, inputs]), graph.initializer('w', weights)];
  graph.output(graph.add('MatMul', operands, {}, ['y']), 'float32', [1, outputs]);
  return encodeModel(graph, { opset: 17 });
}

test('corrections that are aborted or fail half-way leave no memory behind', async () => {
  const source = wideProduct();
  const x = new octet.Tensor('float32', new Float32Array(inputs).fill(0.5), [1, inputs]);
  const correct = { equalize: true, smoothQuant: 0.5, biasCorrection: true };
  // Calls `at` with the number of each sample that is asked for, counted over all iterations.
  const corrected = (mode, at, signal) => {
    let asked = 0;
    const calibration = {
      *[Symbol.iterator]() {
        for (let i = 0; i < 2; ++i) yield at(asked++) ?? { x };
      },
    };
    const weights = mode === 'static' ? { method: 'adaround' } : {};
    return octet
      .quantize(source, { mode, calibration, correct, weights, signal })
      .then(() => asked);
  };
  const breaks = [
    async (mode, sample) => {
      const controller = new AbortController();
      const abort = (i) => void (i === sample && controller.abort());
      await assert.rejects(corrected(mode, abort, controller.signal), { code: 'aborted' });
    },
    async (mode, sample) => {
      const wrong = { x: new octet.Tensor('float32', [1, 2], [2]) };
      const fail = (i) => (i === sample ? wrong : undefined);
      await assert.rejects(corrected(mode, fail), { code: 'invalid-input' });
    },
    async (mode, sample) => {
      const lose = (i) => {
        if (i === sample) throw new Error('no such file');
      };
      await assert.rejects(corrected(mode, lose), /no such file/);
    },
  ];
  // At the first sample of every iteration over the two, in one way after the other.
  const round = async (mode) => {
    const samples = await corrected(mode, () => undefined);
    for (let sample = 0; sample < samples; sample += 2)
      await breaks[(sample / 2) % breaks.length](mode, sample);
  };
  for (const mode of ['static', 'dynamic']) {
    await round(mode);
    const before = heapBytes();
    for (let i = 0; i < 2; ++i) await round(mode);
    assert.equal(heapBytes(), before, mode);
  }
});
