/**
 * Files that others have quantized: integer operators alone, and float operators between Q/DQ pairs. Integer results must equal
 * onnxruntime's.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeModel, GraphBuilder, scalar } from '../models/onnx_builder.mjs';
import { Random } from '../models/random.mjs';
import {
  codes,
  integer,
  outputScale,
  scales,
  weightCodes,
  zeroPoints,
} from './operators/integer.mjs';
import { integers } from './operators/values.mjs';
import { octet } from './package_under_test.mjs';
import { assertAgreement, compareCases } from './single_node.mjs';

/** Floats among the outputs are scales and dequantized numbers: one operation away from the integers. */
const tolerance = { relative: 1e-6, absolute: 1e-9 };

for (const [opType, definition] of Object.entries(integer)) {
  test(opType, compareCases(opType, definition, tolerance));
}

/** A quantized tensor behind a DequantizeLinear: a feed, or a constant. */
function dequantized(graph, feeds, name, value, scale, zero, { constant, axis } = {}) {
  let quantized = name;
  if (constant) quantized = graph.initializer(name, value);
  else feeds[graph.input(name, value.type, value.dims)] = value;
  const inputs = [
    quantized,
    graph.initializer(`${name}_scale`, scale),
    graph.initializer(`${name}_zero`, zero),
  ];
  return graph.add('DequantizeLinear', inputs, axis === undefined ? {} : { axis });
}

/**
 * `x` times weights, quantized the way exporters do: int8 weights with symmetric scales, per channel or not, an int32 bias
 * of scale x·w, and the result quantized again, maybe behind a ReLU.
 * @param multiply adds the node for (graph, x, w, bias)
 */
function qdqLayer(random, { x, w, channels, channelAxis, terms, bias, multiply }) {
  const graph = new GraphBuilder('qdq');
  const feeds = {};
  const type = random.pick(['uint8', 'int8']);
  const perChannel = random.boolean();
  const extents = perChannel ? [channels] : [];
  const xScale = scales(random);
  const wScale = scales(random, extents);
  const options = { constant: true, axis: perChannel ? channelAxis : undefined };
  const zero = integers(random, 'int8', extents, 0, 0);
  const inputs = [
    dequantized(graph, feeds, 'x', codes(random, type, x), xScale, zeroPoints(random, type)),
    dequantized(graph, feeds, 'w', weightCodes(random, 'int8', w), wScale, zero, options),
  ];
  if (bias) {
    const value = integers(random, 'int32', [channels], -2000, 2000);
    const scale = { ...wScale, data: wScale.data.map((s) => Math.fround(s * xScale.data[0])) };
    const biasZero = integers(random, 'int32', extents, 0, 0);
    const biasOptions = { constant: true, axis: perChannel ? 0 : undefined };
    inputs.push(dequantized(graph, feeds, 'bias', value, scale, biasZero, biasOptions));
  }
  let y = multiply(graph, inputs);
  if (random.boolean()) y = graph.add('Relu', [y]);
  const yScale = outputScale(random, terms, xScale.data[0], wScale.data[0]);
  const params = [
    graph.initializer('y_scale', yScale),
    graph.initializer('y_zero', zeroPoints(random, type)),
  ];
  graph.output(graph.add('QuantizeLinear', [y, ...params], {}, ['y']), type);
  return { model: encodeModel(graph, { opset: 13 }), feeds };
}

const qdqLayers = {
  Conv(random) {
    const [from, to, kernel] = [random.integer(1, 9), random.integer(1, 12), random.integer(1, 3)];
    return qdqLayer(random, {
      x: [1, from, random.integer(4, 9), random.integer(4, 9)],
      w: [to, from, kernel, kernel],
      channels: to,
      channelAxis: 0,
      terms: from * kernel * kernel,
      bias: random.boolean(),
      multiply: (graph, inputs) =>
        graph.add('Conv', inputs, { kernel_shape: [kernel, kernel], strides: [1, 1] }),
    });
  },
  'depthwise Conv'(random) {
    const channels = random.integer(2, 20);
    return qdqLayer(random, {
      x: [1, channels, random.integer(4, 9), random.integer(4, 9)],
      w: [channels, 1, 3, 3],
      channels,
      channelAxis: 0,
      terms: 9,
      bias: random.boolean(),
      multiply: (graph, inputs) =>
        graph.add('Conv', inputs, {
          group: channels,
          kernel_shape: [3, 3],
          pads: [1, 1, 1, 1],
          strides: [random.integer(1, 2), 1],
        }),
    });
  },
  MatMul(random) {
    const [m, n, k] = [random.integer(1, 9), random.integer(1, 40), random.integer(1, 70)];
    return qdqLayer(random, {
      x: [m, k],
      w: [k, n],
      channels: n,
      channelAxis: 1,
      terms: k,
      bias: false,
      multiply: (graph, inputs) => graph.add('MatMul', inputs),
    });
  },
  Gemm(random) {
    const [m, n, k] = [random.integer(1, 9), random.integer(1, 40), random.integer(1, 70)];
    return qdqLayer(random, {
      x: [m, k],
      w: [n, k],
      channels: n,
      channelAxis: 0,
      terms: k,
      bias: random.boolean(),
      multiply: (graph, inputs) => graph.add('Gemm', inputs, { transB: 1 }),
    });
  },
};

for (const [name, make] of Object.entries(qdqLayers)) {
  test(`${name} between Q/DQ pairs`, async (t) => {
    const random = new Random(name);
    for (let i = 0; i < 16; ++i) {
      const { model, feeds } = make(random);
      await t.test(`case ${i}`, () => assertAgreement(model, feeds, tolerance, name));
    }
  });
}

/** Sums of int16 activations and int8 weights, as large as 32 bits hold: products of [rows, terms] by [columns, terms]. */
const wideLayers = {
  MatMul: { rows: 5, terms: 516, columns: 19, x: [5, 516], w: [516, 19], transposed: true },
  Conv: { rows: 9, terms: 40, columns: 12, x: [1, 40, 3, 3], w: [12, 40, 1, 1] },
  'Conv of one channel': {
    rows: 7,
    terms: 515,
    columns: 19,
    x: [1, 1, 7 * 515],
    w: [19, 1, 515],
    strides: [515],
  },
};

for (const [name, layer] of Object.entries(wideLayers)) {
  test(`${name} of int16 is exact`, async () => {
    const { rows, terms, columns, x, w, transposed, strides } = layer;
    const random = new Random(name);
    const activations = codes(random, 'int16', x);
    const weights = integers(random, 'int8', w, -127, 127);
    // One row and one column of extremes: their product is just below 2^31.
    const isConv = name !== 'MatMul';
    const activationAt = (row, k) => (isConv && !strides ? k * rows + row : row * terms + k);
    const weightAt = (column, k) => (transposed ? k * columns + column : column * terms + k);
    for (let k = 0; k < terms; ++k) {
      weights.data[weightAt(3, k)] = k % 2 ? -127 : 127;
      activations.data[activationAt(2, k)] = k % 2 ? -32768 : 32767;
    }
    const graph = new GraphBuilder('wide');
    const feeds = {};
    const inputs = [
      dequantized(graph, feeds, 'x', activations, scalar('float32', 0.5), scalar('int16', 0)),
      dequantized(graph, feeds, 'w', weights, scalar('float32', 0.25), scalar('int8', 0), {
        constant: true,
      }),
    ];
    const opType = isConv ? 'Conv' : 'MatMul';
    graph.output(graph.add(opType, inputs, strides ? { strides } : {}, ['y']), 'float32');
    const session = await octet.InferenceSession.create(encodeModel(graph, { opset: 21 }));
    const { type, dims, data } = feeds.x;
    const { y } = await session.run({ x: new octet.Tensor(type, data, dims) });
    await session.release();
    for (let row = 0; row < rows; ++row)
      for (let column = 0; column < columns; ++column) {
        let sum = 0;
        for (let k = 0; k < terms; ++k)
          sum += activations.data[activationAt(row, k)] * weights.data[weightAt(column, k)];
        const at = isConv ? column * rows + row : row * columns + column;
        assert.equal(y.data[at], Math.fround(sum) * 0.125, `${row}, ${column}`);
      }
  });
}
