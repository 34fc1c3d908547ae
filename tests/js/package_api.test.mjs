/** The package's functions as its users call them. What broken input does is broken_input.test.mjs's concern. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import zlib from 'node:zlib';
import { casesOf, network } from '../models/networks.mjs';
import { encodeModel, GraphBuilder, int64s } from '../models/onnx_builder.mjs';
import { Random } from '../models/random.mjs';
import { assertOutputsClose } from './closeness.mjs';
import { octet, projectDirectory } from './package_under_test.mjs';
import { reference, runOnce } from './sessions.mjs';

const { compare, dequantizeTensor, inspect, InferenceSession, quantize, quantizeTensor, Tensor } =
  octet;
const tolerance = { relative: 1e-3, absolute: 1e-4 };

const mnistFile = await network('mnist').locate();
const mnist = new Uint8Array(fs.readFileSync(mnistFile));
const mnistFeeds = casesOf(network('mnist'))[0].steps[0].feeds;
const toTensors = (feeds) =>
  Object.fromEntries(
    Object.entries(feeds).map(([name, { type, dims, data }]) => [
      name,
      new Tensor(type, data, dims),
    ]),
  );

describe('sessions', () => {
  let expected;
  before(async () => {
    expected = await runOnce(reference, mnist, mnistFeeds);
  });

  const within = new Uint8Array(mnist.length + 24);
  within.set(mnist, 16);
  const sources = {
    'a Uint8Array': () => [mnist],
    'an ArrayBuffer': () => [mnist.slice().buffer],
    'a part of an ArrayBuffer': () => [within.buffer, 16, mnist.length],
    'a Blob': () => [new Blob([mnist])],
    'a Response': () => [new Response(mnist)],
    'a path': () => [mnistFile],
    'a file URL': () => [pathToFileURL(mnistFile)],
  };
  for (const [name, make] of Object.entries(sources)) {
    test(`are made from ${name}`, async () => {
      const session = await InferenceSession.create(...make());
      const actual = await session.run(toTensors(mnistFeeds));
      assertOutputsClose(actual, expected, tolerance, name);
      await session.release();
    });
  }

  test('describe their inputs and outputs as onnxruntime does', async () => {
    const session = await InferenceSession.create(mnist);
    const other = await reference.createSession(mnist);
    for (const key of ['inputNames', 'outputNames', 'inputMetadata', 'outputMetadata']) {
      assert.deepEqual(session[key], other[key], key);
    }
    await session.release();
    await other.release();
  });

  test('answer runs that are started together', async () => {
    const float = await InferenceSession.create(mnist);
    const other = await InferenceSession.create((await quantize(mnist, { mode: 'dynamic' })).model);
    const inputs = casesOf(network('mnist')).map(({ steps }) => toTensors(steps[0].feeds));
    const alone = [];
    for (const session of [float, other])
      for (const feeds of inputs) alone.push(await session.run(feeds));
    const together = await Promise.all(
      [float, other].flatMap((session) => inputs.map((feeds) => session.run(feeds))),
    );
    assert.deepEqual(
      together.map((outputs) => Object.values(outputs)[0].data),
      alone.map((outputs) => Object.values(outputs)[0].data),
    );
    await float.release();
    await other.release();
  });

  test('write into tensors given as fetches', async () => {
    const session = await InferenceSession.create(mnist);
    const [name] = session.outputNames;
    const target = new Tensor('float32', new Float32Array(10), [1, 10]);
    const outputs = await session.run(toTensors(mnistFeeds), { [name]: target });
    assert.equal(outputs[name], target);
    assertOutputsClose({ [name]: target }, expected, tolerance, 'target');
    await session.release();
  });

  test('tell the time of every step when asked to profile', async () => {
    const session = await InferenceSession.create(mnist, { enableProfiling: true });
    await session.run(toTensors(mnistFeeds));
    const conv = session.profile.find(({ opType }) => opType === 'Conv');
    assert.deepEqual(conv.shape, [1, 26, 26, 32]);
    assert.equal(conv.macs, 26 * 26 * 32 * 9);
    assert.equal(conv.bytes, 4 * (28 * 28 + 32 * 9 + 32 + 26 * 26 * 32));
    assert.ok(session.profile.every(({ milliseconds }) => milliseconds >= 0));
    await session.release();
  });
});

describe('inspect', () => {
  test('counts what a model holds', async () => {
    const summary = await inspect(mnist);
    assert.equal(summary.bytes, mnist.length);
    assert.equal(summary.operators.Conv, 1);
    assert.equal(summary.operators.MaxPool, 1);
    assert.deepEqual(summary.unsupported, {});
    assert.deepEqual(summary.quantized, {});
    // 32 filters of 3×3 at 26×26 places; 10 outputs of 13×13×32 values.
    assert.equal(summary.macs, 26 * 26 * 32 * 9 + 10 * 13 * 13 * 32);
    assert.deepEqual(summary.inputs[0].shape.slice(1), [1, 28, 28]);
  });

  test('names the operators that cannot run', async () => {
    const graph = new GraphBuilder('strange');
    const x = graph.input('x', 'float32', [2]);
    graph.output(graph.add('Extraordinary', [x], {}, 1, 'some.domain'), 'float32', [2]);
    const summary = await inspect(encodeModel(graph, { domains: { 'some.domain': 1 } }));
    assert.deepEqual(summary.unsupported, { 'some.domain.Extraordinary': 1 });
  });
});

describe('quantize', () => {
  const quantizedOperators = async (source, options) => {
    const { model } = await quantize(source, { mode: 'dynamic', ...options });
    return (await inspect(model)).quantized;
  };

  test('reports every tensor, every node left in float, and the sizes', async () => {
    const { model, report } = await quantize(mnist, { mode: 'dynamic', opTypes: ['Conv'] });
    assert.deepEqual([report.bytesBefore, report.bytesAfter], [mnist.length, model.length]);
    assert.equal(report.tensors.length, 1);
    assert.equal(report.tensors[0].granularity, 'per-channel');
    assert.deepEqual(
      report.floatNodes.map(({ opType }) => opType),
      ['Gemm'],
    );
  });

  const selections = {
    'a list to exclude': { exclude: ['Conv'] },
    'a pattern to exclude': { exclude: /^conv/i },
    'a function to include': { include: ({ opType }) => opType === 'Gemm' },
  };
  for (const [name, options] of Object.entries(selections)) {
    test(`selects nodes by ${name}`, async () => {
      const quantized = await quantizedOperators(mnist, options);
      assert.equal(quantized.ConvInteger, undefined);
      assert.equal(quantized.MatMulInteger, 1);
    });
  }

  test('selects nodes of subgraphs', async () => {
    const source = await network('silero_vad_v6').locate();
    const all = await quantizedOperators(source, {});
    assert.ok(all.ConvInteger > 2 && all['com.microsoft.DynamicQuantizeLSTM'] > 0);
    const one = await quantizedOperators(source, { include: /then_branch.*\/stft\/Conv$/ });
    assert.equal(one.ConvInteger, 1);
    assert.equal(one['com.microsoft.DynamicQuantizeLSTM'], undefined);
  });

  test('tells its progress and stops when aborted', async () => {
    const seen = [];
    await quantize(mnist, { mode: 'dynamic', onProgress: (progress) => seen.push(progress) });
    assert.deepEqual(seen.at(-1).done, seen.at(-1).total);
    const source = await network('ocr_rec').locate();
    const stop = new AbortController();
    const job = quantize(source, {
      mode: 'dynamic',
      signal: stop.signal,
      onProgress: () => stop.abort(),
    });
    await assert.rejects(job, { code: 'aborted' });
  });
});

describe('static quantization', () => {
  const digits = casesOf(network('mnist')).map(({ steps }) => toTensors(steps[0].feeds));
  const quantizeStatic = (options) => quantize(mnist, { mode: 'static', ...options });

  // The divergence of a distribution says little of squares: entropy clips more than they like.
  const leastDecibels = { minmax: 25, 'moving-average': 25, percentile: 25, entropy: 15, mse: 25 };
  for (const [method, least] of Object.entries(leastDecibels))
    test(`${method}: a standard file that stays close`, async (t) => {
      const options = { calibration: digits, activations: { method } };
      const { model, report } = await quantizeStatic(options);
      const { quantized } = await inspect(model);
      assert.ok(quantized.QuantizeLinear >= 2 && quantized.DequantizeLinear >= 4);
      assert.ok(report.tensors.some((tensor) => tensor.method === method));
      const { outputs } = await compare(mnist, model, digits);
      t.diagnostic(`${outputs[0].sqnrDb.toFixed(1)} dB`);
      assert.ok(outputs[0].sqnrDb > least, `${outputs[0].sqnrDb} dB`);
    });

  test('takes samples one at a time, tells its progress and stops when aborted', async () => {
    let taken = 0;
    async function* samples() {
      for (const feeds of digits) {
        taken += 1;
        yield feeds;
      }
    }
    const seen = [];
    await quantizeStatic({ calibration: samples(), onProgress: (p) => seen.push(p) });
    assert.equal(taken, digits.length);
    assert.equal(seen.filter(({ phase }) => phase === 'calibration').length, taken);
    const stop = new AbortController();
    const job = quantizeStatic({
      calibration: samples(),
      signal: stop.signal,
      onProgress: () => stop.abort(),
    });
    await assert.rejects(job, { code: 'aborted' });
    assert.equal(taken, digits.length + 1);
  });

  const [image] = Object.keys(mnistFeeds);
  const notFinite = new Tensor('float32', new Float32Array(784).fill(NaN), [1, 1, 28, 28]);
  const refused = {
    'no calibration': [{}, { code: 'invalid-option', message: /calibration/ }],
    'no samples': [{ calibration: [] }, { code: 'invalid-input', message: /no samples/ }],
    'a wrong name': [
      { calibration: [{ picture: notFinite }] },
      { code: 'invalid-input', message: /'picture'/ },
    ],
    'values that are not finite': [
      { calibration: [{ [image]: notFinite }] },
      { code: 'invalid-input', message: new RegExp(`'${image}'`) },
    ],
    'a method that does not exist': [
      { calibration: digits, activations: { method: 'magic' } },
      { code: 'invalid-option', message: /magic/ },
    ],
  };
  for (const [what, [options, error]] of Object.entries(refused))
    test(`refuses ${what}`, () => assert.rejects(quantizeStatic(options), error));
});

describe('compare', () => {
  test('finds a model equal to itself', async () => {
    const { outputs, layers, samples } = await compare(mnist, mnist, [toTensors(mnistFeeds)]);
    assert.equal(samples, 1);
    assert.ok(layers.length > 0);
    for (const { sqnrDb, maxError, top1Agreement } of [...outputs, ...layers]) {
      assert.deepEqual([sqnrDb, maxError, top1Agreement], [Infinity, 0, 1]);
    }
  });

  test('measures the loss of quantization', async () => {
    const { model } = await quantize(mnist, { mode: 'dynamic' });
    const { outputs, candidate } = await compare(mnist, model, [toTensors(mnistFeeds)]);
    assert.ok(outputs[0].sqnrDb > 15 && outputs[0].sqnrDb < 80, `${outputs[0].sqnrDb} dB`);
    assert.ok(outputs[0].cosine > 0.98);
    assert.equal(candidate.bytes, model.length);
  });
});

describe('quantizeTensor', () => {
  test('follows q = round((x − min) / (max − min) · (qmax − qmin) + qmin)', () => {
    assert.deepEqual([...quantizeTensor([0, 0.75, 1], { min: 0, max: 1 }).data], [0, 191, 255]);
    const { data } = quantizeTensor([-1, 0, 1], { type: 'int8', symmetric: true });
    assert.deepEqual([...data], [-127, 0, 127]);
  });

  test('gives the codes of onnxruntime’s DynamicQuantizeLinear', async () => {
    const graph = new GraphBuilder('dynamic');
    graph.input('x', 'float32', ['n']);
    graph.add('DynamicQuantizeLinear', ['x'], {}, ['q', 'scale', 'zero']);
    graph.output('q', 'uint8', ['n']);
    graph.output('scale', 'float32', []);
    graph.output('zero', 'uint8', []);
    const model = encodeModel(graph);
    const random = new Random('codes');
    for (let round = 0; round < 20; ++round) {
      const values = random.normals(500, random.uniform(-2, 2), random.uniform(0.01, 30));
      const feeds = { x: { type: 'float32', dims: [500], data: values } };
      const { q, scale, zero } = await runOnce(reference, model, feeds);
      const actual = quantizeTensor(values);
      assert.equal(actual.zeroPoint, zero.data[0]);
      assert.ok(Math.abs(actual.scale / scale.data[0] - 1) < 1e-6);
      assert.deepEqual(
        quantizeTensor(values, { scale: scale.data[0], zeroPoint: zero.data[0] }).data,
        q.data,
      );
    }
  });

  test('is undone by dequantizeTensor to half a step', () => {
    const values = new Random('undone').uniforms(300, -3, 5);
    const { data, ...params } = quantizeTensor(values, { type: 'int8' });
    dequantizeTensor(data, params).forEach((value, i) => {
      assert.ok(Math.abs(value - values[i]) <= 0.5001 * params.scale);
    });
  });
});

describe('beside onnxruntime-common', () => {
  test('runs as its backend', async () => {
    const require = createRequire(path.join(projectDirectory, 'package.json'));
    await import(pathToFileURL(require.resolve('octet-web/backend')));
    const inPackage = createRequire(require.resolve('octet-web'));
    const folder = path.dirname(inPackage.resolve('onnxruntime-common'));
    const common = await import(pathToFileURL(path.join(folder, '../esm/index.js')));
    const session = await common.InferenceSession.create(mnist);
    const { type, dims, data } = mnistFeeds.image;
    const actual = await session.run({ image: new common.Tensor(type, data, dims) });
    const expected = await runOnce(reference, mnist, mnistFeeds);
    assertOutputsClose(actual, expected, tolerance, 'backend');
    await session.release();
  });

  test('takes and gives every element type', async () => {
    const samples = {
      float32: Float32Array.of(1.5),
      float64: Float64Array.of(1.5),
      int8: Int8Array.of(-3),
      uint8: Uint8Array.of(200),
      int16: Int16Array.of(-3000),
      uint16: Uint16Array.of(60000),
      int32: Int32Array.of(-70000),
      uint32: Uint32Array.of(4000000000),
      int64: BigInt64Array.of(-(2n ** 60n)),
      uint64: BigUint64Array.of(2n ** 63n + 1n),
      bool: Uint8Array.of(1),
    };
    for (const [type, data] of Object.entries(samples)) {
      const graph = new GraphBuilder(type);
      const x = graph.input('x', type, [1]);
      const shape = graph.initializer('shape', int64s(1));
      graph.output(graph.add('Expand', [x, shape]), type, [1]);
      const session = await InferenceSession.create(encodeModel(graph));
      const [output] = Object.values(await session.run({ x: new Tensor(type, data, [1]) }));
      assert.equal(output.type, type);
      assert.deepEqual(output.data, data, type);
      await session.release();
    }
  });
});

test('a page downloads at most 600 KB, with every operator', () => {
  const folder = path.join(projectDirectory, 'node_modules/octet-web/dist');
  const sizes = ['index.js', 'octet.wasm', 'octet.relaxed.wasm'].map((name) => {
    const options = { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 11 } };
    return zlib.brotliCompressSync(fs.readFileSync(path.join(folder, name)), options).length;
  });
  const total = sizes.reduce((sum, size) => sum + size, 0);
  assert.ok(total <= 600 * 1024, `${total} bytes`);
});
