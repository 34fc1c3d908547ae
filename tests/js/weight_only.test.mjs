/**
 * Weight-only quantization: every network in every form runs in onnxruntime with the answers that Octet gives; GPTQ against
 * rounding to the nearest code on samples that it has not seen; what the report says of results; what is refused.
 */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { describe, test } from 'node:test';
import { floatReference } from '../accuracy/exports.mjs';
import { compareMethods, sentences, weightOnlyNets } from '../accuracy/weight_only.mjs';
import { casesOf, network, networks } from '../models/networks.mjs';
import { GraphBuilder, encodeModel, tensor } from '../models/onnx_builder.mjs';
import { Random } from '../models/random.mjs';
import { sqnr } from './closeness.mjs';
import { octet } from './package_under_test.mjs';
import { candidate, reference, runSteps, withSession } from './sessions.mjs';

const mode = 'weight-only';
const fewVariants = [{ weights: { type: 'int4' } }, { weights: { type: 'uint4' }, format: 'qdq' }];
const largeBytes = 5e7;
const allVariants = [
  ...fewVariants,
  { weights: { type: 'uint8', blockSize: 64 } },
  { weights: { type: 'int8' }, format: 'qdq' },
  { weights: { type: 'float16' } },
];
const outputsOf = (library, model, steps) =>
  withSession(library, model, async (session) =>
    (await runSteps(library, session, steps)).flatMap((outputs) =>
      session.outputNames.map((name) => outputs[name]),
    ),
  );

const feedsOf = (steps) =>
  steps.map(({ feeds }) =>
    Object.fromEntries(
      Object.entries(feeds).map(([name, { type, dims, data }]) => [
        name,
        new octet.Tensor(type, data, dims),
      ]),
    ),
  );

describe('every network, as onnxruntime runs it', () => {
  for (const one of networks) {
    test(one.name, async (t) => {
      const source = fs.readFileSync(await one.locate());
      const [{ steps }] = casesOf(one);
      for (const options of source.length > largeBytes ? fewVariants : allVariants) {
        const { model, report } = await octet.quantize(source, { mode, ...options });
        if (report.tensors.length === 0) continue;
        const agreement = sqnr(
          await outputsOf(candidate(octet), model, steps),
          await outputsOf(floatReference, model, steps),
        );
        const share = ((100 * model.length) / source.length).toFixed(0);
        const name = `${options.weights.type} ${options.format ?? 'qoperator'}`;
        t.diagnostic(`${name}: ${agreement.toFixed(1)} dB, ${share} % of the size`);
        assert.ok(agreement >= 35, `${name}: ${agreement} dB`);
      }
    });
  }
});

describe('int4 in blocks of 32: GPTQ is at least 2 dB better than rounding to the nearest code', () => {
  for (const name of weightOnlyNets) {
    test(name, async (t) => {
      const decibels = await compareMethods(name);
      for (const [method, each] of Object.entries(decibels))
        t.diagnostic(`${method}: ${each.toFixed(2)} dB`);
      assert.ok(decibels.gptq >= decibels.minmax + 2);
    });
  }
});

/** A model of one product without a bias. */
function product(opType, dims, weights, attributes = {}) {
  const graph = new GraphBuilder(opType);
  const random = new Random(`${opType} ${dims}`);
  const count = weights.reduce((size, dim) => size * dim, 1);
  const w = graph.initializer('w', tensor('float32', weights, random.normals(count)));
  const x = graph.input('x', 'float32', dims);
  graph.output(graph.add(opType, [x, w], attributes, ['y']), 'float32', null);
  const data = random.normals(dims.reduce((size, dim) => size * dim, 1));
  for (let i = 1; i < data.length; ++i) data[i] += 0.9 * data[i - 1];
  return {
    model: encodeModel(graph, { opset: 17 }),
    step: { feeds: { x: tensor('float32', dims, data) } },
  };
}

describe('the report tells what rounding does to results', () => {
  const window = (attributes) => ({ strides: [2, 1], pads: [1, 0, 2, 1], ...attributes });
  const products = {
    'matrix product': product('MatMul', [3, 20, 70], [70, 24]),
    'transposed product': product('Gemm', [40, 64], [24, 64], { transB: 1, alpha: 0.5 }),
    convolution: product('Conv', [2, 40, 9, 8], [24, 40, 3, 2], window({ dilations: [1, 2] })),
    'pointwise convolution': product('Conv', [1, 64, 6, 7], [24, 64, 1, 1]),
    'grouped convolution': product('Conv', [1, 24, 9, 8], [20, 12, 3, 3], window({ group: 2 })),
    'depthwise convolution': product('Conv', [1, 8, 9, 8], [8, 1, 3, 3], window({ group: 8 })),
    'convolution over time': product('Conv', [1, 40, 30], [24, 40, 3], { pads: [1, 1] }),
  };
  for (const [name, { model: source, step }] of Object.entries(products)) {
    for (const weights of [{ type: 'int4', method: 'gptq' }, { type: 'uint4' }]) {
      test(`${name}, ${weights.type} ${weights.method ?? 'minmax'}`, async (t) => {
        const { model, report } = await octet.quantize(source, {
          mode,
          weights,
          calibration: feedsOf([step]),
        });
        const [expected] = [await outputsOf(reference, source, [step])];
        const measured = sqnr(await outputsOf(reference, model, [step]), expected);
        const [{ outputSqnrDb, method }] = report.tensors;
        t.diagnostic(`${measured.toFixed(2)} dB measured, ${outputSqnrDb.toFixed(2)} dB reported`);
        assert.equal(method, weights.method ?? 'minmax');
        assert.ok(Math.abs(measured - outputSqnrDb) <= 0.1, `${measured} and ${outputSqnrDb}`);
      });
    }
  }
});

describe('what weight-only quantization refuses', () => {
  const { model: source, step } = product('MatMul', [4, 64], [64, 8]);
  const gptq = { mode, weights: { type: 'int4', method: 'gptq' } };
  const refuses = (options, code, message) =>
    assert.rejects(octet.quantize(source, options), (error) => {
      assert.equal(error.code, code);
      assert.match(error.message, message);
      return true;
    });

  test('options that do not fit', async () => {
    await refuses({ ...gptq, calibration: undefined }, 'invalid-option', /calibration/);
    await refuses({ mode, weights: { type: 'int2' } }, 'invalid-option', /weights\.type/);
    await refuses({ mode, weights: { blockSize: 48 } }, 'invalid-option', /blockSize/);
    await refuses({ mode, weights: { blockSize: 0 } }, 'invalid-option', /blockSize/);
    await refuses({ mode, weights: { perChannel: true } }, 'invalid-option', /perChannel/);
    await refuses({ mode, weights: { method: 'best' } }, 'invalid-option', /weights\.method/);
    await refuses({ mode, format: 'tflite' }, 'invalid-option', /format/);
    await refuses({ mode, activations: {} }, 'invalid-option', /activations/);
    await refuses({ mode: 'dynamic', weights: { type: 'int4' } }, 'invalid-option', /int8, uint8/);
  });

  test('samples that are empty, not finite, or of another shape', async () => {
    const bad = (value) => new octet.Tensor('float32', new Float32Array(256).fill(value), [4, 64]);
    const other = new octet.Tensor('float32', new Float32Array(12), [4, 3]);
    await refuses({ ...gptq, calibration: [] }, 'invalid-input', /no samples/);
    await refuses({ ...gptq, calibration: [{ x: bad(NaN) }] }, 'invalid-input', /'x'/);
    await refuses({ ...gptq, calibration: [{ x: bad(Infinity) }] }, 'invalid-input', /'x'/);
    await refuses({ ...gptq, calibration: [{ x: other }] }, 'invalid-input', /'x'/);
    await refuses({ ...gptq, calibration: [{}] }, 'invalid-input', /'x'/);
  });

  test('samples that say nothing leave the least squared error, as the report says', async () => {
    const zeros = new octet.Tensor('float32', new Float32Array(256), [4, 64]);
    const { report } = await octet.quantize(source, { ...gptq, calibration: [{ x: zeros }] });
    assert.equal(report.tensors[0].method, 'mse');
    assert.equal(report.tensors[0].outputSqnrDb, null);
  });

  test('a constant sample', async () => {
    const ones = new octet.Tensor('float32', new Float32Array(256).fill(1), [4, 64]);
    const { report } = await octet.quantize(source, { ...gptq, calibration: [{ x: ones }] });
    assert.equal(report.tensors[0].method, 'gptq');
    assert.ok(report.tensors[0].outputSqnrDb > report.tensors[0].sqnrDb);
  });

  test('models that are quantized already, unless forced', async () => {
    for (const options of [{ mode }, { mode: 'dynamic' }, { mode, weights: { type: 'int4' } }]) {
      const { model } = await octet.quantize(source, options);
      await assert.rejects(octet.quantize(model, { mode }), (error) => {
        assert.equal(error.code, 'invalid-option');
        assert.match(error.message, /quantized already/);
        return true;
      });
      const forced = await octet.quantize(model, { mode, force: true });
      assert.deepEqual(
        await outputsOf(candidate(octet), forced.model, [step]),
        await outputsOf(candidate(octet), model, [step]),
      );
    }
  });

  for (const [stage, steps] of Object.entries({ calibration: 1, weights: 12 })) {
    test(`to go on when it is aborted, within 100 ms: ${stage}`, async (t) => {
      const large = fs.readFileSync(await network('encoder').locate());
      const abort = new AbortController();
      let at;
      const onProgress = ({ phase, done }) => {
        if (phase !== stage || done < steps || at !== undefined) return;
        at = 0;
        setTimeout(() => {
          at = performance.now();
          abort.abort();
        }, 20);
      };
      const calibration = feedsOf(sentences(2, 'abort'));
      const options = { ...gptq, calibration, onProgress, signal: abort.signal };
      await assert.rejects(octet.quantize(large, options), { code: 'aborted' });
      const elapsed = performance.now() - at;
      t.diagnostic(`${elapsed.toFixed(0)} ms`);
      assert.ok(elapsed <= 100, `${elapsed} ms`);
    });
  }
});
