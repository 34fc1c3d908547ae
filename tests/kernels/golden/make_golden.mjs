// Writes onnxruntime.inc: what onnxruntime computes for single quantized operators, bit for bit.
// Run it from a folder whose node_modules holds onnxruntime-node; the version is noted in the file.
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const require = createRequire(join(process.cwd(), 'x.js'));
const ort = require('onnxruntime-node');
const { version } = require('onnxruntime-node/package.json');

// ---- ONNX models of one node, as protocol buffers

const varint = (n) => {
  const bytes = [];
  for (; n > 127; n = Math.floor(n / 128)) bytes.push(n % 128 | 128);
  return [...bytes, n];
};
const number = (field, n) => [...varint(field * 8), ...varint(n)];
const bytes = (field, content) => [...varint(field * 8 + 2), ...varint(content.length), ...content];
const text = (field, s) => bytes(field, [...Buffer.from(s)]);

const elementTypes = { float32: 1, uint8: 2, int8: 3, uint16: 4, int16: 5, int32: 6 };

function valueInfo(field, name, type, dims) {
  const shape = dims.flatMap((dim) => bytes(1, number(1, dim)));
  const tensor = [...number(1, elementTypes[type]), ...bytes(2, shape)];
  return bytes(field, [...text(1, name), ...bytes(2, bytes(1, tensor))]);
}

function singleNodeModel(op, opset, inputs, outputs) {
  const node = [
    ...inputs.flatMap((_, i) => text(1, `i${i}`)),
    ...outputs.flatMap((_, i) => text(2, `o${i}`)),
    ...text(4, op),
  ];
  const graph = [
    ...bytes(1, node),
    ...text(2, 'g'),
    ...inputs.flatMap((t, i) => valueInfo(11, `i${i}`, t.type, t.dims)),
    ...outputs.flatMap((t, i) => valueInfo(12, `o${i}`, t.type, t.dims)),
  ];
  return Uint8Array.from([...number(1, 10), ...bytes(7, graph), ...bytes(8, number(2, opset))]);
}

/** Runs one operator; `outputs` gives types and shapes. Returns the outputs' elements. */
async function run(op, opset, inputs, outputs) {
  const session = await ort.InferenceSession.create(singleNodeModel(op, opset, inputs, outputs), {
    intraOpNumThreads: 1,
  });
  const feeds = {};
  inputs.forEach((t, i) => {
    feeds[`i${i}`] = new ort.Tensor(t.type, t.data, t.dims);
  });
  const results = await session.run(feeds);
  return outputs.map((_, i) => results[`o${i}`].data);
}

const float = (data, dims = [data.length]) => ({
  type: 'float32',
  data: Float32Array.from(data),
  dims,
});
const scalar = (x) => float([x], []);
const zero = (type, z) => ({ type, data: arrayOf(type, [z]), dims: [] });
const arrayOf = (type, data) =>
  ({
    uint8: Uint8Array,
    int8: Int8Array,
    uint16: Uint16Array,
    int16: Int16Array,
    int32: Int32Array,
  })[type].from(data);

// ---- Operands

let state = 12345;
/** A 24-bit number of a fixed sequence. */
function next() {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state >>> 8;
}
const real = (lo, hi) => Math.fround(lo + ((hi - lo) * next()) / 2 ** 24);
const integer = (lo, hi) => lo + (next() % (hi - lo + 1));
const many = (n, make) => Array.from({ length: n }, make);

// ---- C++ text

const floatBits = (x) => `0x${new Uint32Array(Float32Array.of(x).buffer)[0].toString(16)}`;
const list = (values) => `LIST(${Array.from(values).join(', ')})`;
const floats = (values) => list(Array.from(values, floatBits));

const lines = [
  `// Written by make_golden.mjs with onnxruntime-node ${version}. Floats are given by their bits.`,
];

async function dynamicQuantizeLinear() {
  const cases = [
    many(40, () => real(-3, 5)),
    many(19, () => real(0.25, 9)),
    many(17, () => real(-7, -1)),
    [0, 0, 0, 0, 0],
    [-0.0, 0.0],
    [5],
    [-5],
    [1e-3, -1e-3, 5e-4, 0],
    [3e38, -1e38, 1e37],
    many(33, (_, i) => (i - 16) / 2),
    [0, 127.5, 255, 0.5, 1.5, 2.5, 254.5],
    [-1, 100, 254],
    [-0.5, 254.5, 3],
    [-254.5, 0.5, -3],
  ];
  for (const x of cases) {
    const [y, scale, zeroPoint] = await run(
      'DynamicQuantizeLinear',
      11,
      [float(x)],
      [
        { type: 'uint8', dims: [x.length] },
        { type: 'float32', dims: [] },
        { type: 'uint8', dims: [] },
      ],
    );
    lines.push(
      `DYNAMIC_QUANTIZE(${floatBits(scale[0])}, ${zeroPoint[0]}, ${floats(x)}, ${list(y)})`,
    );
  }
}

async function quantizeLinear() {
  const special = [NaN, Infinity, -Infinity, 1e30, -1e30, 0.5, 1.5, 2.5, -0.5, -1.5, -2.5, -0.0];
  for (const [type, z, range] of [
    ['uint8', 131, 300],
    ['int8', -7, 300],
    ['uint16', 32000, 70000],
    ['int16', 12, 70000],
  ]) {
    const scale = Math.fround(0.37);
    const x = [...many(30, () => real(-range * scale, range * scale)), ...special];
    for (const [s, values] of [
      [scale, x],
      [1, special],
    ]) {
      const [y] = await run(
        'QuantizeLinear',
        21,
        [float(values), scalar(s), zero(type, z)],
        [{ type, dims: [values.length] }],
      );
      lines.push(`QUANTIZE(${type}_t, ${floatBits(s)}, ${z}, ${floats(values)}, ${list(y)})`);
    }
  }
}

async function dequantizeLinear() {
  for (const [type, z, lo, hi] of [
    ['uint8', 131, 0, 255],
    ['int8', -7, -128, 127],
    ['uint16', 32000, 0, 65535],
    ['int16', 12, -32768, 32767],
    ['int32', 0, -(2 ** 23), 2 ** 23],
  ]) {
    const x = {
      type,
      data: arrayOf(
        type,
        many(24, () => integer(lo, hi)),
      ),
      dims: [24],
    };
    const scale = real(0.001, 0.1);
    const [y] = await run(
      'DequantizeLinear',
      21,
      [x, scalar(scale), zero(type, z)],
      [{ type: 'float32', dims: [24] }],
    );
    lines.push(`DEQUANTIZE(${type}_t, ${floatBits(scale)}, ${z}, ${list(x.data)}, ${floats(y)})`);
  }
}

/** A 1x1 convolution with k channels over 6 pixels: a matrix product with per-channel scales and a bias. */
async function qlinearConv() {
  const [m, n, k] = [6, 5, 7];
  const matrix = (type, data, dims) => ({ type, data: arrayOf(type, data), dims });
  for (const [xType, wType, xZero, yZero] of [
    ['uint8', 'int8', 120, 128],
    ['uint8', 'uint8', 3, 0],
    ['int8', 'int8', -5, 9],
  ]) {
    const unsigned = (type) => (type === 'uint8' ? 128 : 0);
    const wZero = wType === 'uint8' ? 117 : 0;
    const x = many(m * k, () => integer(-128, 127) + unsigned(xType));
    const w = many(n * k, () => integer(-128, 127) + unsigned(wType));
    const bias = many(n, () => integer(-9000, 9000));
    const xScale = real(0.01, 0.05);
    const wScale =
      wType === 'int8' ? many(n, () => real(0.001, 0.02)) : Array(n).fill(real(0.01, 0.02));
    const yScale = real(0.02, 0.06);
    const nchw = many(k * m, (_, i) => x[(i % m) * k + Math.floor(i / m)]);
    const perChannel = wType === 'int8';
    const [y] = await run(
      'QLinearConv',
      10,
      [
        matrix(xType, nchw, [1, k, 1, m]),
        scalar(xScale),
        zero(xType, xZero),
        matrix(wType, w, [n, k, 1, 1]),
        perChannel ? float(wScale) : scalar(wScale[0]),
        perChannel ? matrix(wType, Array(n).fill(0), [n]) : zero(wType, wZero),
        scalar(yScale),
        zero(xType, yZero),
        matrix('int32', bias, [n]),
      ],
      [{ type: xType, dims: [1, n, 1, m] }],
    );
    const rows = many(m * n, (_, i) => y[(i % n) * m + Math.floor(i / n)]);
    lines.push(
      `QLINEAR_CONV(${xType}_t, ${wType}_t, ${m}, ${n}, ${k}, ${xZero}, ${wZero}, ${yZero}, ` +
        `${floatBits(xScale)}, ${floatBits(yScale)}, ${floats(wScale)}, ${list(x)}, ${list(w)}, ` +
        `${list(bias)}, ${list(rows)})`,
    );
  }
}

await dynamicQuantizeLinear();
await quantizeLinear();
await dequantizeLinear();
await qlinearConv();
writeFileSync(new URL('onnxruntime.inc', import.meta.url), `${lines.join('\n')}\n`);
