/** What makes up for the losses of static quantization: what it gains, what onnxruntime makes of it, what is refused. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { GraphBuilder, encodeModel, tensor } from '../models/onnx_builder.mjs';
import { Random } from '../models/random.mjs';
import { sqnr } from './closeness.mjs';
import { octet } from './package_under_test.mjs';
import { candidate, exactReference, runOnce } from './sessions.mjs';

const random = new Random('corrections');
const sampleCount = 8;

/** Two convolutions whose channels differ widely, and a product that reads a few outliers. */
function network() {
  const graph = new GraphBuilder('corrections');
  const weights = (name, dims, scaleOf) => {
    const row = dims.slice(1).reduce((a, b) => a * b, 1);
    const values = random.normals(dims[0] * row);
    const data = values.map((value, i) => value * scaleOf(Math.floor(i / row), i % row));
    return graph.initializer(name, tensor('float32', dims, Float32Array.from(data)));
  };
  const channel = (c) => 4 ** ((c % 5) - 2);
  const x = graph.input('x', 'float32', [1, 8, 12, 12]);
  const a = graph.add('Conv', [x, weights('a', [16, 8, 3, 3], channel)], {}, ['first']);
  const positive = graph.add('Relu', [a], {}, ['positive']);
  const undo = (_, i) => 1 / channel(i);
  const b = graph.add('Conv', [positive, weights('b', [16, 16, 1, 1], undo)], {}, ['second']);
  const pooled = graph.add('GlobalAveragePool', [b], {}, ['pooled']);
  const flat = graph.add('Flatten', [pooled], {}, ['flat']);
  const y = graph.add('MatMul', [flat, weights('c', [16, 10], () => 1)], {}, ['y']);
  graph.output(y, 'float32', null);
  return encodeModel(graph, { opset: 17 });
}

const source = network();
const dims = [1, 8, 12, 12];
const inputs = Array.from({ length: sampleCount }, () =>
  Float32Array.from(random.normals(8 * 144), (value) => value + 1),
);
const calibration = inputs.map((data) => ({ x: new octet.Tensor('float32', data, dims) }));
const perTensor = { perChannel: false };
const quantize = (options) =>
  octet.quantize(source, { mode: 'static', weights: perTensor, calibration, ...options });

async function outputsOf(library, model) {
  const outputs = [];
  for (const data of inputs)
    outputs.push((await runOnce(library, model, { x: tensor('float32', dims, data) })).y);
  return outputs;
}

describe('corrections', () => {
  const all = { equalize: true, biasCorrection: true, smoothQuant: 0.5 };

  test('each is measured, and equalization repairs channels that differ', async () => {
    const { model, report } = await quantize({
      correct: all,
      weights: { ...perTensor, method: 'adaround' },
    });
    const methods = report.corrections.map(({ method }) => method);
    assert.deepEqual(methods, ['none', 'equalize', 'smoothQuant', 'biasCorrection', 'adaround']);
    const [none, equalized] = report.corrections.map(({ sqnrDb }) => sqnrDb);
    assert.ok(equalized > none + 6, `${none} dB, then ${equalized} dB`);
    const float = await outputsOf(candidate(octet), source);
    const measured = sqnr(await outputsOf(candidate(octet), model), float);
    assert.ok(Math.abs(measured - report.corrections.at(-1).sqnrDb) < 0.01);
    assert.ok(report.rescaledNodes.some(({ method }) => method === 'equalize'));
    assert.ok(report.rescaledNodes.some(({ method }) => method === 'smooth-quant'));
    assert.ok(report.tensors.some(({ method }) => method === 'adaround'));
  });

  test('onnxruntime runs the file, and agrees', async () => {
    const { model } = await quantize({ correct: all });
    const theirs = await outputsOf(exactReference, model);
    assert.ok(sqnr(await outputsOf(candidate(octet), model), theirs) > 35);
  });

  test('samples that come once are enough without SmoothQuant; nothing is measured then', async () => {
    const once = (function* () {
      yield* calibration;
    })();
    const { report } = await quantize({ calibration: once, correct: { biasCorrection: true } });
    assert.equal(report.corrections, undefined);
  });

  test('refuses what it cannot work with', async () => {
    const refuses = (options, message) =>
      assert.rejects(quantize(options), (error) => {
        assert.equal(error.code, 'invalid-option');
        assert.match(error.message, message);
        return true;
      });
    await refuses({ correct: { smoothQuant: 2 } }, /smoothQuant/);
    await refuses({ correct: { equalize: 1 } }, /equalize/);
    await refuses({ correct: { other: true } }, /other/);
    await refuses({ correct: all, calibration: calibration.values() }, /twice/);
    await refuses({ mode: 'dynamic', calibration: undefined, correct: all }, /correct/);
  });
});
