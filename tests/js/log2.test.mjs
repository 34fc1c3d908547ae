/**
 * Activations in powers of two: results against plain arithmetic, bit for bit; the file against onnxruntime and ONNX's checker; what
 * the report says; what is refused.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, test } from 'node:test';
import { network } from '../models/networks.mjs';
import {
  GraphBuilder,
  decodeModel,
  encodeMessage,
  encodeModel,
  tensor,
} from '../models/onnx_builder.mjs';
import { Random } from '../models/random.mjs';
import { sqnr } from './closeness.mjs';
import { octet } from './package_under_test.mjs';
import { candidate, onnxruntime, reference, runOnce } from './sessions.mjs';

const log2 = (activations) => ({ scheme: 'log2', ...activations });
const size = (dims) => dims.reduce((a, b) => a * b, 1);
const onOctet = (model, x) => runOnce(candidate(octet), model, { x });
/** Left to its optimizers, onnxruntime rounds activations to 8 bits where weights of 8 bits are dequantized. */
const interpreter = onnxruntime({ graphOptimizationLevel: 'disabled' });
const onReference = (model, x) => runOnce(interpreter, model, { x });

// --- plain arithmetic

/** Multiples of the smallest level: ± the largest one of which |x| reaches three quarters, where the type of codes has room. */
function toLevels(x, { levels, type, zero }) {
  const lowest = type === 'uint8' ? -zero : -128 - zero;
  const highest = type === 'uint8' ? 255 - zero : 127 - zero;
  return Array.from(x, (value) => {
    let index = 0;
    for (let i = 1; i < levels.length; ++i) if (Math.abs(value) >= 0.75 * levels[i]) index = i;
    if (value < 0) index = -index;
    index = Math.min(highest, Math.max(lowest, index));
    return Math.sign(index) * (index === 0 ? 0 : 2 ** (Math.abs(index) - 1));
  });
}

/** Sums of whole numbers, exact in a double, and their way to float32 in single steps. */
function finish(sum, smallest, scale, bias) {
  const product = Math.fround(Math.fround(sum) * Math.fround(smallest * scale));
  return Math.fround(product + bias);
}

function multiplyMatrices(x, [m, k], { codes, zeros, n, transposed }) {
  const sums = [];
  for (let row = 0; row < m; ++row)
    for (let column = 0; column < n; ++column) {
      let sum = 0;
      for (let i = 0; i < k; ++i) {
        const w = codes[transposed ? column * k + i : i * n + column];
        sum += x[row * k + i] * (w - zeros(column));
      }
      sums.push({ sum, channel: column });
    }
  return sums;
}

function convolve(x, [batch, channels, height, width], w) {
  const { codes, zeros, dims, stride, pad, group } = w;
  const [outputs, inputs, kh, kw] = dims;
  const outH = Math.floor((height + 2 * pad - kh) / stride) + 1;
  const outW = Math.floor((width + 2 * pad - kw) / stride) + 1;
  const sums = [];
  for (let b = 0; b < batch; ++b)
    for (let o = 0; o < outputs; ++o)
      for (let y = 0; y < outH; ++y)
        for (let column = 0; column < outW; ++column) {
          let sum = 0;
          const first = Math.floor(o / (outputs / group)) * inputs;
          for (let i = 0; i < inputs; ++i)
            for (let r = 0; r < kh; ++r)
              for (let s = 0; s < kw; ++s) {
                const row = y * stride + r - pad;
                const at = column * stride + s - pad;
                if (row < 0 || row >= height || at < 0 || at >= width) continue;
                const value = x[((b * channels + first + i) * height + row) * width + at];
                sum += value * (codes[((o * inputs + i) * kh + r) * kw + s] - zeros(o));
              }
          sums.push({ sum, channel: o });
        }
  return sums;
}

// --- what the file holds

const arrays = { 1: Float32Array, 2: Uint8Array, 3: Int8Array, 6: Int32Array };
function constantsOf(model) {
  const { initializer } = decodeModel(model).graph;
  return new Map(
    initializer.map(({ name, dataType, rawData }) => {
      const bytes = Uint8Array.from(rawData);
      return [name, { code: dataType, data: new arrays[dataType](bytes.buffer) }];
    }),
  );
}

/** The quantized layer of a file with one: what plain arithmetic needs to know. */
function layerOf(model) {
  const constants = constantsOf(model);
  const { node } = decodeModel(model).graph;
  const product = node.find(({ opType }) => ['Conv', 'Gemm', 'MatMul'].includes(opType));
  const quantize = node.find(({ opType }) => opType === 'Log2Quantize');
  const dequantized = (name) =>
    node.find(({ opType, output }) => opType === 'DequantizeLinear' && output[0] === name);
  const [codes, scale, zero] = dequantized(product.input[1]).input.map(
    (n) => constants.get(n).data,
  );
  const at = (list, channel) => list[list.length === 1 ? 0 : channel];
  const bias =
    product.input[2] && dequantized(product.input[2])?.input.map((n) => constants.get(n).data);
  const zeroPoint = constants.get(quantize.input[1]);
  return {
    levels: constants.get(quantize.input[2]).data,
    type: zeroPoint.code === 2 ? 'uint8' : 'int8',
    zero: zeroPoint.data[0],
    codes,
    scales: (channel) => at(scale, channel),
    zeros: (channel) => at(zero, channel),
    bias: (channel) =>
      bias ? Math.fround(Math.fround(bias[0][channel]) * at(bias[1], channel)) : 0,
  };
}

function plainResults(model, x, sumsOf) {
  const layer = layerOf(model);
  const levels = toLevels(x.data, layer);
  return Float32Array.from(sumsOf(levels, layer), ({ sum, channel }) =>
    finish(sum, layer.levels[1], layer.scales(channel), layer.bias(channel)),
  );
}

// --- layers

function layerModel(opType, inputDims, weightDims, attributes, biases) {
  const random = new Random(`${opType} ${weightDims}`);
  const graph = new GraphBuilder('layer');
  const weights = tensor('float32', weightDims, random.normals(size(weightDims)));
  const inputs = [graph.input('x', 'float32', inputDims), graph.initializer('w', weights)];
  if (biases)
    inputs.push(graph.initializer('b', tensor('float32', [biases], random.normals(biases))));
  graph.output(graph.add(opType, inputs, attributes, ['y']), 'float32', null);
  return encodeModel(graph, { opset: 17 });
}

const matrixLayer = (opType, m, k, n, { transposed = false, bias = false } = {}) => ({
  label: `${opType} ${m}×${k}×${n}`,
  dims: [m, k],
  source: layerModel(
    opType,
    [m, k],
    transposed ? [n, k] : [k, n],
    opType === 'Gemm' ? { transB: transposed ? 1 : 0 } : {},
    bias ? n : 0,
  ),
  sums: (x, layer) => multiplyMatrices(x, [m, k], { ...layer, n, transposed }),
});

const convLayer = (
  label,
  dims,
  weightDims,
  { stride = 1, pad = 0, group = 1, bias = true } = {},
) => ({
  label: `${label} ${weightDims.join('×')}`,
  dims,
  source: layerModel(
    'Conv',
    dims,
    weightDims,
    {
      kernel_shape: weightDims.slice(2),
      strides: [stride, stride],
      pads: [pad, pad, pad, pad],
      group,
    },
    bias ? weightDims[0] : 0,
  ),
  sums: (x, layer) => convolve(x, dims, { ...layer, dims: weightDims, stride, pad, group }),
});

const layers = [
  matrixLayer('MatMul', 1, 40, 19),
  matrixLayer('MatMul', 37, 65, 24),
  matrixLayer('MatMul', 64, 256, 128), // Strassen's product, for activations of 8 bits
  matrixLayer('Gemm', 5, 33, 17, { bias: true }),
  matrixLayer('Gemm', 9, 700, 12, { transposed: true, bias: true }), // room for 14 levels
  convLayer('first', [1, 1, 11, 10], [7, 1, 3, 3], { pad: 1 }),
  convLayer('strided', [2, 6, 9, 11], [10, 6, 3, 3], { stride: 2, pad: 1 }),
  convLayer('Winograd-sized', [1, 32, 14, 14], [32, 32, 3, 3], { pad: 1, bias: false }),
  convLayer('Winograd-sized line', [1, 32, 14, 14], [32, 32, 1, 3], { pad: 1, bias: false }),
  convLayer('pointwise', [1, 128, 16, 16], [128, 128, 1, 1]),
  convLayer('grouped', [1, 8, 7, 7], [12, 4, 3, 3], { group: 2 }),
  convLayer('depthwise', [1, 20, 9, 9], [20, 1, 3, 3], { pad: 1, group: 20 }),
  convLayer('strided depthwise', [1, 9, 11, 11], [9, 1, 5, 5], { stride: 2, pad: 2, group: 9 }),
];

/** Values of all sizes around the range that calibration shows, and the ones that rounding could get wrong. */
function tellingInput(random, dims, negative) {
  const special = [0, -0, 1e-45, 1e-39, 3, 1.5, 0.75, 6, 1000, 1e38, Infinity];
  special.push(...[3, 1.5, 0.75, 0.09375].map((x) => x * (1 - 2 ** -24)));
  const values = random.normals(size(dims)).map((normal, i) => {
    const value =
      i % 7 === 3 ? special[random.integer(0, special.length - 1)] : normal * 2 ** -(i % 12);
    return negative && random.boolean() ? -value : Math.abs(value);
  });
  return tensor('float32', dims, Float32Array.from(values));
}

function calibrationFor(random, dims, negative) {
  const values = random.normals(size(dims)).map((value) => (negative ? value : Math.abs(value)));
  return [{ x: new octet.Tensor('float32', Float32Array.from(values), dims) }];
}

const choices = [
  { type: 'uint8', negative: true, weights: { type: 'int8', perChannel: true } },
  { type: 'int8', negative: true, weights: { type: 'uint8', perChannel: true } },
  { type: 'uint8', negative: false, weights: { type: 'uint8', perChannel: false } },
  { type: 'int8', negative: false, weights: { type: 'int8', perChannel: false } },
];

function assertSameBits(actual, expected, where) {
  const bits = ({ buffer, byteOffset, length }) => new Uint32Array(buffer, byteOffset, length);
  const [a, e] = [bits(actual), bits(expected)];
  assert.equal(a.length, e.length, where);
  const at = e.findIndex((value, i) => value !== a[i]);
  assert.equal(at, -1, `${where}: element ${at} is ${actual[at]}, expected ${expected[at]}`);
}

describe('results equal plain arithmetic, bit for bit', () => {
  for (const { label, dims, source, sums } of layers) {
    test(label, async () => {
      const random = new Random(label);
      for (const { type, negative, weights } of choices) {
        const { model } = await octet.quantize(source, {
          mode: 'static',
          weights,
          activations: log2({ type }),
          calibration: calibrationFor(random, dims, negative),
        });
        // Also what is negative where no sample was.
        const x = tellingInput(random, dims, negative || random.boolean());
        const { y } = await onOctet(model, x);
        const where = `${type}, weights ${weights.type}`;
        assertSameBits(y.data, plainResults(model, x, sums), where);
      }
    });
  }
});

/** The model with the codes as a second output. */
function withCodes(model) {
  const message = decodeModel(model);
  const quantize = message.graph.node.find(({ opType }) => opType === 'Log2Quantize');
  const elemType = layerOf(model).type === 'uint8' ? 2 : 3;
  message.graph.output.push({ name: quantize.output[0], type: { tensorType: { elemType } } });
  return encodeMessage(message);
}

const quantizeLayer = async (layer, random, { type = 'uint8', negative = true } = {}) =>
  octet.quantize(layer.source, {
    mode: 'static',
    activations: log2({ type }),
    calibration: calibrationFor(random, layer.dims, negative),
  });

describe('onnxruntime runs the functions of the file', () => {
  for (const { type, negative } of choices) {
    test(`${type} codes of ${negative ? 'signed' : 'positive'} values are the same`, async () => {
      const random = new Random(`codes ${type} ${negative}`);
      const [layer] = layers;
      const { model } = await quantizeLayer(layer, random, { type, negative });
      const both = withCodes(model);
      const finite = (value) => (Number.isFinite(value) ? value : 2e30);
      for (let i = 0; i < 20; ++i) {
        const x = tellingInput(random, layer.dims, negative || i % 2 === 1);
        const [, theirs] = Object.values(await onReference(both, x));
        const [, ours] = Object.values(await onOctet(both, x));
        assert.deepEqual(Array.from(ours.data), Array.from(theirs.data));
        const bounded = { ...x, data: x.data.map(finite) };
        const close = sqnr(
          [(await onOctet(model, bounded)).y],
          [(await onReference(model, bounded)).y],
        );
        assert.ok(close > 80, `${close} dB`);
      }
    });
  }

  test('NaN becomes 0, like there', async () => {
    const { model } = await quantizeLayer(layers[0], new Random('nan'));
    const x = tensor('float32', layers[0].dims, new Float32Array(40).fill(NaN));
    const both = withCodes(model);
    const [, theirs] = Object.values(await onReference(both, x));
    const [, ours] = Object.values(await onOctet(both, x));
    assert.deepEqual(Array.from(ours.data), Array.from(theirs.data));
    assert.ok(ours.data.every((code) => code === 128));
  });

  test('a function of the same name with another body means what its body says', async () => {
    const random = new Random('another body');
    const [, layer] = layers;
    const { model } = await quantizeLayer(layer, random);
    const message = decodeModel(model);
    const quantize = message.functions.find(({ name }) => name === 'Log2Quantize');
    const constant = quantize.node.find(({ attribute }) => attribute[0]?.f === 0.75);
    constant.attribute[0].f = 0.625;
    const other = encodeMessage(message);
    const x = tensor('float32', layer.dims, random.normals(size(layer.dims)));
    const theirs = (await onReference(other, x)).y;
    assert.ok(sqnr([(await onOctet(other, x)).y], [theirs]) > 80);
    assert.ok(sqnr([(await onOctet(model, x)).y], [theirs]) < 40);
    assert.ok(
      !Object.keys((await octet.inspect(other)).operators).some((name) => /Log2Q/.test(name)),
    );
  });

  test('on a whole network, whose file the checker of ONNX accepts', async () => {
    const { model } = await quantizeDigits();
    const digits = randomDigits('agreement');
    for (const { image } of digits) {
      const theirs = await runOnce(reference, model, { image });
      const ours = await runOnce(candidate(octet), model, { image });
      assert.ok(sqnr(Object.values(ours), Object.values(theirs)) >= 35);
    }
    const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'octet-')), 'log2.onnx');
    fs.writeFileSync(file, model);
    const check =
      'import onnx, sys; onnx.checker.check_model(onnx.load(sys.argv[1]), full_check=True)';
    execFileSync('/usr/bin/python3', ['-c', check, file], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  });
});

const randomDigits = (seed) => {
  const random = new Random(seed);
  return Array.from({ length: 4 }, () => ({
    image: tensor('float32', [1, 1, 28, 28], random.uniforms(784, 0, 1)),
  }));
};

async function quantizeDigits(options = {}) {
  const source = fs.readFileSync(await network('mnist').locate());
  const calibration = randomDigits('calibration').map(({ image: { type, data, dims } }) => ({
    image: new octet.Tensor(type, data, dims),
  }));
  return octet.quantize(source, { mode: 'static', activations: log2(), calibration, ...options });
}

describe('the report', () => {
  test('names scheme, levels and cost, and the linear scheme beside it', async () => {
    const { model, report } = await quantizeDigits();
    const activations = report.tensors.filter(({ scheme }) => scheme === 'log2');
    const counts = activations.map(({ levels }) => levels);
    assert.deepEqual(counts.sort(), [11, 15]); // sums of 5408 products, and of 9
    for (const { sqnrDb, scale, granularity } of activations) {
      assert.ok(sqnrDb > 10 && sqnrDb < 20, `${sqnrDb} dB`);
      const exponent = Math.log2(scale.min);
      assert.ok(Math.abs(exponent - Math.round(exponent)) < 1e-6 && scale.max === scale.min);
      assert.equal(granularity, 'per-tensor');
    }
    assert.ok(report.tensors.some(({ scheme }) => scheme === 'linear'));
    assert.deepEqual(
      report.schemes.map(({ scheme }) => scheme),
      ['linear', 'log2'],
    );
    const [linear, power] = report.schemes.map(({ sqnrDb }) => sqnrDb);
    assert.ok(power > 5 && linear > power, `${linear} and ${power} dB`);
    const float = fs.readFileSync(await network('mnist').locate());
    const digits = randomDigits('calibration');
    const outputsOf = (file) =>
      Promise.all(
        digits.map(async (feeds) => Object.values(await runOnce(candidate(octet), file, feeds))[0]),
      );
    const measured = sqnr(await outputsOf(model), await outputsOf(float));
    assert.ok(Math.abs(measured - power) < 0.01, `${measured} and ${power} dB`);
    assert.match(octet.renderReport(report), /powers of two/);
  });

  test('without samples that can be run again tells what single tensors lose', async () => {
    const source = fs.readFileSync(await network('mnist').locate());
    const once = (function* () {
      for (const { image } of randomDigits('calibration'))
        yield { image: new octet.Tensor(image.type, image.data, image.dims) };
    })();
    const { report } = await octet.quantize(source, {
      mode: 'static',
      activations: log2({ method: 'percentile' }),
      calibration: once,
    });
    assert.equal(report.schemes, undefined);
    assert.ok(report.tensors.every(({ scheme, sqnrDb }) => scheme === 'linear' || sqnrDb > 10));
  });

  test('nodes that are left out stay float, and corrections go along', async () => {
    const { report } = await quantizeDigits({
      exclude: ({ opType }) => opType !== 'Conv',
      correct: { biasCorrection: true },
    });
    assert.ok(report.floatNodes.length > 0);
    assert.deepEqual(
      report.corrections.map(({ method }) => method),
      ['none', 'biasCorrection'],
    );
    assert.equal(report.schemes.at(-1).sqnrDb, report.corrections.at(-1).sqnrDb);
  });
});

test('refuses what makes no sense with powers of two', async () => {
  const refuses = (options, message) =>
    assert.rejects(quantizeDigits(options), (error) => {
      assert.equal(error.code, 'invalid-option');
      assert.match(error.message, message);
      return true;
    });
  await refuses({ activations: { scheme: 'cubic' } }, /scheme.*linear, log2/);
  await refuses({ activations: log2({ symmetric: false }) }, /symmetric/);
  await refuses({ activations: log2({ adaptive: true }) }, /adaptive/);
  await refuses({ activations: log2({ method: 'mse' }) }, /evenly spaced/);
  await refuses({ activations: log2({ method: 'entropy' }) }, /evenly spaced/);
  await refuses({ mode: 'mixed', target: { minSqnrDb: 10 } }, /static/);
  await refuses({ mode: 'dynamic', calibration: undefined }, /activations/);
});
