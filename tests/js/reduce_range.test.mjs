/**
 * Weights of 7 bits (`weights.reduceRange`): their codes, what the report says of them, who refuses them, and that kernels which
 * multiply them by other instructions give the same bits.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { exportAs, variants } from '../accuracy/exports.mjs';
import { fileOf, samplesOf } from '../accuracy/lab.mjs';
import { GraphBuilder, decodeModel, encodeModel, tensor } from '../models/onnx_builder.mjs';
import { casesOf, network } from '../models/networks.mjs';
import { Random } from '../models/random.mjs';
import { sqnr } from './closeness.mjs';
import { importAgain, octet } from './package_under_test.mjs';
import { candidate, runSteps, withSession } from './sessions.mjs';

const both = [false, true];
const types = { int8: [-64, 64], uint8: [0, 127] };
const byteArrays = { 2: Uint8Array, 3: Int8Array };

/** The weights of a file and their zero points. */
const codesIn = (model) =>
  decodeModel(model)
    .graph.initializer.filter(
      ({ name, dataType }) => byteArrays[dataType] && /_(quantized|zero_point)__/.test(name),
    )
    .map(({ name, dataType, rawData }) => ({ name, codes: byteArrays[dataType].from(rawData) }));

const extremesOf = (arrays) => {
  const [least, most] = [Math.min, Math.max].map(
    (choose) => (codes) => codes.reduce((a, b) => choose(a, b)),
  );
  return [least(arrays.map(least)), most(arrays.map(most))];
};

const ways = {
  dynamic: { mode: 'dynamic' },
  'static, pairs': { mode: 'static' },
  'static, operators on codes': { mode: 'static', format: 'qoperator' },
};

/** A product that integers make in half the time, by which the search goes, on a busy processor too. */
function largeProduct() {
  const graph = new GraphBuilder('large product');
  const random = new Random('large product');
  const w = tensor('float32', [512, 512], random.normals(512 * 512));
  const inputs = [graph.input('x', 'float32', [256, 512]), graph.initializer('w', w)];
  graph.output(graph.add('MatMul', inputs, {}, ['y']), 'float32', null);
  const feeds = { x: tensor('float32', [256, 512], random.normals(256 * 512)) };
  return { source: encodeModel(graph, { opset: 17 }), feeds };
}

async function quantized(name, options) {
  const [{ steps }] = casesOf(network(name));
  return exportAs(await fileOf(name), steps, options);
}

describe('codes use all of 7 bits and no more', () => {
  const expect = async (options, name = 'mnist') => {
    const model = await quantized(name, options);
    const { type, symmetric = type === 'int8' } = options.weights;
    const all = codesIn(model);
    const weights = all.filter(({ name }) => name.includes('_quantized__'));
    assert.ok(weights.length >= 2, all.map(({ name }) => name).join());
    const [min, max] = types[type];
    const [least, most] = extremesOf(weights.map(({ codes }) => codes));
    assert.ok(least >= min && most <= max, `${least} to ${most}`);
    const isUsed = symmetric ? least <= min + 1 || most === max : most - least >= 127;
    assert.ok(isUsed, `${least} to ${most}`);
    const zeros = all.filter(({ name }) => name.includes('weight_zero_point__'));
    const middle = type === 'int8' ? 0 : 64;
    if (symmetric)
      for (const { name, codes } of zeros)
        assert.ok(
          codes.every((z) => z === middle),
          name,
        );
  };
  for (const [label, way] of Object.entries(ways))
    for (const type of Object.keys(types))
      for (const symmetric of both)
        for (const perChannel of both) {
          const weights = { type, symmetric, perChannel, reduceRange: true };
          test(`${label}: ${JSON.stringify(weights)}`, () => expect({ ...way, weights }));
        }
  for (const method of ['mean', 'mse', 'adaround'])
    test(`static by ${method}`, () =>
      expect({ mode: 'static', weights: { type: 'int8', method, reduceRange: true } }));
  for (const type of Object.keys(types))
    test(`LSTM ${type}`, () =>
      expect({ mode: 'dynamic', weights: { type, reduceRange: true } }, 'lstm_classifier'));

  test('of mode mixed', async () => {
    const { source, feeds } = largeProduct();
    const { model, report } = await octet.quantize(source, {
      mode: 'mixed',
      target: { minSqnrDb: 20 },
      weights: { reduceRange: true },
      calibration: await samplesOf(undefined, [{ feeds }]),
    });
    const schemes = Object.values(report.search.assignment);
    assert.ok(
      schemes.some((scheme) => /^int8(-dynamic)?$/.test(scheme)),
      schemes.join(),
    );
    const weights = codesIn(model).filter(({ name }) => name.includes('_quantized__'));
    const [least, most] = extremesOf(weights.map(({ codes }) => codes));
    assert.ok(least >= -64 && most <= 64, `${least} to ${most}`);
  });
});

/** Of all outputs. */
const dataOf = (library, model, steps) =>
  withSession(candidate(library), model, async (session) =>
    (await runSteps(candidate(library), session, steps)).flatMap((outputs) =>
      Object.values(outputs).map(({ data }) => data),
    ),
  );

describe('relaxed SIMD gives the bits of fixed', async () => {
  const relaxed = await importAgain();
  octet.env.wasm.simd = 'fixed';
  relaxed.env.wasm.simd = 'relaxed';
  const reduced = Object.entries(types).flatMap(([type]) =>
    both.map((symmetric) => ({ type, symmetric, reduceRange: true })),
  );
  for (const name of ['mnist', 'ocr_cls', 'wake_word_embedding', 'lstm_classifier'])
    for (const [label, way] of Object.entries(ways))
      test(`${name}, ${label}`, async () => {
        const [{ steps }] = casesOf(network(name));
        for (const weights of [...reduced, { type: 'int8' }]) {
          const model = await quantized(name, { ...way, weights });
          if (model === null) continue;
          const [expected, actual] = await Promise.all(
            [octet, relaxed].map((library) => dataOf(library, model, steps)),
          );
          assert.deepEqual(actual, expected, JSON.stringify(weights));
        }
      });
});

test('the report tells what 7 bits cost beside 8', async () => {
  const source = await fileOf('mnist');
  const [{ steps }] = casesOf(network('mnist'));
  const calibration = await samplesOf(source, steps);
  const options = { mode: 'static', calibration };
  const outputsOf = (model) =>
    withSession(candidate(octet), model, async (session) =>
      (await runSteps(candidate(octet), session, steps)).flatMap(Object.values),
    );
  const float = await outputsOf(source);
  const measured = [];
  for (const reduceRange of both) {
    const { model, report } = await octet.quantize(source, {
      ...options,
      weights: { reduceRange },
    });
    measured.push(sqnr(await outputsOf(model), float));
    if (!reduceRange) {
      assert.equal(report.ranges, undefined);
      continue;
    }
    assert.deepEqual(
      report.ranges.map((range) => range.reduceRange),
      both,
    );
    for (const [i, { sqnrDb }] of report.ranges.entries())
      assert.ok(Math.abs(sqnrDb - measured[i]) < 0.01, `${sqnrDb} and ${measured[i]} dB`);
    assert.match(octet.renderReport(report), /Bits of weights/);
  }
  const tensorsOf = async (reduceRange) => {
    const { report } = await octet.quantize(source, { ...options, weights: { reduceRange } });
    return report.tensors.filter(({ role }) => role === 'weights');
  };
  const [full, reduced] = await Promise.all(both.map(tensorsOf));
  for (const [i, { name, sqnrDb }] of reduced.entries()) {
    const lost = full[i].sqnrDb - sqnrDb; // half the levels: 6.02 dB
    assert.ok(lost > 5 && lost < 7, `${name}: ${lost} dB`);
  }
});

test('refused where nothing gains by it', async () => {
  const source = await fileOf('mnist');
  const refuses = (options, message) =>
    assert.rejects(octet.quantize(source, options), (error) => {
      assert.equal(error.code, 'invalid-option');
      assert.match(error.message, message);
      return true;
    });
  for (const type of ['int8', 'int4', 'uint4', 'float16'])
    await refuses(
      { mode: 'weight-only', weights: { type, reduceRange: true } },
      /weights\.reduceRange: mode 'weight-only'/,
    );
  await refuses({ mode: 'dynamic', weights: { reduceRange: 7 } }, /weights\.reduceRange/);
  await refuses({ mode: 'dynamic', weights: { type: 'int4', reduceRange: true } }, /weights\.type/);
  const target = { minSqnrDb: 20 };
  await refuses(
    { mode: 'mixed', target, weights: { type: 'int8' } },
    /weights.*known are reduceRange/,
  );
});
