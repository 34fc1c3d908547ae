/** What makes up for the losses of quantization: what it gains, what onnxruntime makes of it, what is refused. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { describe, test } from 'node:test';
import { ensureModel } from '../models/build.mjs';
import { casesOf, network as networkNamed } from '../models/networks.mjs';
import { hidden } from '../models/outlier_encoder.mjs';
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
    const without = { calibration: undefined };
    await refuses({ ...without, mode: 'dynamic', correct: all }, /needs samples/);
    for (const correct of [{ smoothQuant: 0.5 }, { biasCorrection: true }])
      await refuses({ mode: 'weight-only', weights: {}, correct }, /weight-only/);
    const mixed = { mode: 'mixed', target: { minSqnrDb: 30 }, weights: undefined };
    await refuses({ ...mixed, correct: all }, /mixed/);
  });
});

describe('corrections of other modes', () => {
  const all = { equalize: true, biasCorrection: true, smoothQuant: 0.5 };

  test('dynamic quantization has all of them, measured, and onnxruntime agrees', async () => {
    const { model, report } = await quantize({ mode: 'dynamic', correct: all });
    const effects = report.corrections.map(({ method }) => method);
    assert.deepEqual(effects, ['none', 'equalize', 'smoothQuant', 'biasCorrection']);
    const [none, equalized] = report.corrections.map(({ sqnrDb }) => sqnrDb);
    assert.ok(equalized > none + 6, `${none} dB, then ${equalized} dB`);
    const ours = await outputsOf(candidate(octet), model);
    const measured = sqnr(ours, await outputsOf(candidate(octet), source));
    assert.ok(Math.abs(measured - report.corrections.at(-1).sqnrDb) < 0.01);
    assert.ok(sqnr(ours, await outputsOf(exactReference, model)) > 35);
  });

  test('equalization needs no samples, and is measured where there are some', async () => {
    const correct = { equalize: true };
    for (const mode of ['dynamic', 'weight-only']) {
      const options = { mode, correct, weights: mode === 'dynamic' ? perTensor : {} };
      const blind = await quantize({ ...options, calibration: undefined });
      const measured = await quantize(options);
      assert.ok(blind.report.rescaledNodes.length > 0);
      assert.equal(blind.report.corrections, undefined);
      assert.deepEqual(
        measured.report.corrections.map(({ method }) => method),
        ['none', 'equalize'],
      );
      assert.deepEqual(blind.report.rescaledNodes, measured.report.rescaledNodes);
    }
  });
});

describe('SmoothQuant on transformers', () => {
  const feedsOf = ({ steps }) =>
    Object.fromEntries(
      Object.entries(steps[0].feeds).map(([name, { type, dims, data }]) => [
        name,
        new octet.Tensor(type, data, dims),
      ]),
    );

  const effects = async (file, samples, mode) => {
    const model = new Uint8Array(fs.readFileSync(file));
    const options = { mode, calibration: samples };
    const plain = await octet.quantize(model, mode === 'static' ? options : { mode });
    const smooth = await octet.quantize(model, { ...options, correct: { smoothQuant: 0.5 } });
    const [before, after] = smooth.report.corrections.map(({ sqnrDb }) => sqnrDb);
    return { before, after, plain, smooth };
  };

  for (const mode of ['static', 'dynamic'])
    test(`${mode}: outliers of normalisations go into the weights, and cost no node`, async (t) => {
      const file = await ensureModel('outlier_encoder');
      const samples = Array.from({ length: 4 }, () => ({
        hidden_states: new octet.Tensor('float32', random.normals(2 * 24 * hidden), [
          2,
          24,
          hidden,
        ]),
      }));
      const { before, after, plain, smooth } = await effects(file, samples, mode);
      t.diagnostic(`${before.toFixed(1)} dB, then ${after.toFixed(1)} dB`);
      assert.ok(after > before + 10, `${before} dB, then ${after} dB`);
      const { operators } = await octet.inspect(smooth.model);
      assert.deepEqual(operators, (await octet.inspect(plain.model)).operators);
      const { data, dims: shape } = samples[0].hidden_states;
      const feeds = { hidden_states: tensor('float32', shape, data) };
      const theirs = await runOnce(exactReference, smooth.model, feeds);
      const ours = await runOnce(candidate(octet), smooth.model, feeds);
      const names = Object.keys(theirs);
      assert.ok(
        sqnr(
          names.map((name) => ours[name]),
          names.map((name) => theirs[name]),
        ) > 35,
      );
    });

  for (const mode of ['static', 'dynamic'])
    test(`${mode}: the encoder, whose synthetic weights make few outliers, gains a little`, async (t) => {
      const encoder = networkNamed('encoder');
      const samples = casesOf(encoder).map(feedsOf);
      const { before, after } = await effects(await encoder.locate(), samples, mode);
      t.diagnostic(`${before.toFixed(1)} dB, then ${after.toFixed(1)} dB`);
      assert.ok(after > before, `${before} dB, then ${after} dB`);
    });
});
