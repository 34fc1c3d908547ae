/** Cases of com.microsoft's operators on codes of 8 bits. single_node.mjs says what a case is. */
import { float, scalar, tensor } from '../../models/onnx_builder.mjs';
import { codes, scales, weightCodes, zeroPoints } from './integer.mjs';
import { booleans, broadcastable, elementCount, floats, integers, randomShape } from './values.mjs';

const count = 30;
const byteTypes = ['uint8', 'int8'];

/** `make(random, type)` yields a case on codes of a type, whose results are such codes too. */
const define = (make) => ({
  opsets: [17],
  count,
  make(random) {
    const type = random.pick(byteTypes);
    const { inputs, attributes, outputs = [type] } = make(random, type);
    const constant = inputs.map(
      (input, i) => i > 0 && input !== null && (input.dims.length === 0 || random.boolean()),
    );
    return { domain: 'com.microsoft', inputs, attributes, outputs, constant };
  },
});

const scaleAndZero = (random, type) => [scales(random), zeroPoints(random, type)];
/** Codes of a shape with their scale and zero point. */
const operand = (random, type, dims) => [codes(random, type, dims), ...scaleAndZero(random, type)];

const binary = define((random, type) => {
  const dims = randomShape(random, random.integer(1, 4));
  return {
    inputs: [
      ...operand(random, type, dims),
      ...operand(random, type, broadcastable(random, dims)),
      scalar('float32', random.uniform(0.03, 0.3)),
      zeroPoints(random, type),
    ],
  };
});

const unary = (attributes = () => ({})) =>
  define((random, type) => ({
    inputs: [
      ...operand(random, type, randomShape(random, random.integer(1, 4))),
      scalar('float32', random.uniform(0.003, 0.1)),
      zeroPoints(random, type),
    ],
    attributes: attributes(random),
  }));

/** Its results are probabilities, whose scale is always that of 256 steps. Of one element onnxruntime makes 0. */
const softmax = define((random, type) => {
  const rank = random.integer(1, 3);
  return {
    inputs: [
      ...operand(random, type, random.integers(rank, 2, 7)),
      scalar('float32', 1 / 256),
      scalar(type, type === 'uint8' ? 0 : -128),
    ],
    attributes: { opset: 17, axis: random.integer(0, rank - 1) },
  };
});

const concat = define((random, type) => {
  const dims = randomShape(random, random.integer(1, 3));
  const axis = random.integer(0, dims.length - 1);
  const parts = Array.from({ length: random.integer(1, 3) }, () =>
    operand(random, type, dims.with(axis, random.integer(1, 4))),
  );
  return { inputs: [...scaleAndZero(random, type), ...parts.flat()], attributes: { axis } };
});

const where = define((random, type) => {
  const dims = randomShape(random, 3);
  return {
    inputs: [
      booleans(random, broadcastable(random, dims)),
      ...operand(random, type, dims),
      ...operand(random, type, broadcastable(random, dims)),
      ...scaleAndZero(random, type),
    ],
  };
});

const image = (random, isLast) => {
  const [batch, channels, height, width] = [
    ...random.integers(2, 1, 3),
    ...random.integers(2, 4, 7),
  ];
  return isLast ? [batch, height, width, channels] : [batch, channels, height, width];
};

const averagePool = define((random, type) => {
  const channels_last = random.integer(0, 1);
  return {
    inputs: [...operand(random, type, image(random, channels_last)), ...scaleAndZero(random, type)],
    attributes: {
      channels_last,
      kernel_shape: random.integers(2, 1, 3),
      strides: random.integers(2, 1, 2),
      count_include_pad: random.integer(0, 1),
    },
  };
});

const globalAveragePool = define((random, type) => {
  const channels_last = random.integer(0, 1);
  return {
    inputs: [...operand(random, type, image(random, channels_last)), ...scaleAndZero(random, type)],
    attributes: { channels_last },
  };
});

const conv = define((random, type) => {
  const channels_last = random.integer(0, 1);
  const dims = image(random, channels_last);
  const channels = dims[channels_last ? 3 : 1];
  const filters = random.integer(1, 5);
  return {
    inputs: [
      ...operand(random, type, dims),
      weightCodes(random, 'int8', [filters, channels, 3, 3]),
      scales(random),
      scalar('int8', 0),
      scalar('float32', random.uniform(0.5, 1)),
      zeroPoints(random, type),
    ],
    attributes: { channels_last, kernel_shape: [3, 3], pads: [1, 1, 1, 1] },
  };
});

const gemm = define((random, type) => {
  const [m, n, k] = random.integers(3, 1, 12);
  const [transA, transB] = random.integers(2, 0, 1);
  const perColumn = random.boolean() ? [n] : [];
  const biasShape = random.pick([[n], [n], [1, n], [m, n], []]);
  const isReal = random.boolean();
  return {
    inputs: [
      ...operand(random, type, transA ? [k, m] : [m, k]),
      weightCodes(random, 'int8', transB ? [n, k] : [k, n]),
      scales(random, perColumn),
      integers(random, 'int8', perColumn, 0, 0),
      random.boolean() ? integers(random, 'int32', biasShape, -3000, 3000) : null,
      ...(isReal ? [] : [scalar('float32', random.uniform(0.5, 1)), zeroPoints(random, type)]),
    ],
    attributes: { transA, transB, alpha: float(random.pick([1, 0.5])) },
    outputs: [isReal ? 'float32' : type],
  };
});

const wideTypes = [...byteTypes, 'uint16', 'int16'];

/** Codes of 4 bits, two a byte: of any bits. */
const packed = (random, type, dims) =>
  tensor(type, dims, random.integers(Math.ceil(elementCount(dims) / 2), 0, 255));
const isPacked = (type) => type.endsWith('int4');

/** What only DequantizeLinear takes: sums, whose zero point is 0. */
const sums = (random, dims) => integers(random, 'int32', dims, -(2 ** 20), 2 ** 20);

function codesOf(random, type, dims) {
  if (isPacked(type)) return packed(random, type, dims);
  return type === 'int32' ? sums(random, dims) : codes(random, type, dims);
}
function zeroPointsOf(random, type, dims) {
  if (isPacked(type)) return packed(random, type, dims);
  return type === 'int32' ? null : zeroPoints(random, type, dims);
}

/** Between real numbers and codes: `makeX(random, type, dims)` yields the input, `outputOf(type)` its result's type. */
const conversion = (types, makeX, outputOf) => ({
  opsets: [17],
  count: 2 * count,
  make(random) {
    const type = random.pick(types);
    const dims = randomShape(random, 3);
    const perAxis = random.boolean() ? [dims[1]] : [];
    return {
      domain: 'com.microsoft',
      inputs: [
        makeX(random, type, dims),
        scales(random, perAxis),
        zeroPointsOf(random, type, perAxis),
      ],
      constant: isPacked(type) ? [true, true, true] : undefined,
      attributes: { axis: 1 },
      outputs: [outputOf(type)],
    };
  },
});

export const quantizedMicrosoft = {
  DequantizeLinear: conversion([...wideTypes, 'int4', 'uint4', 'int32'], codesOf, () => 'float32'),
  QGemm: gemm,
  QLinearAdd: binary,
  QLinearAveragePool: averagePool,
  QLinearConcat: concat,
  QLinearConv: conv,
  QLinearGlobalAveragePool: globalAveragePool,
  QLinearLeakyRelu: unary((random) => ({ alpha: float(random.uniform(0.01, 0.5)) })),
  QLinearMul: binary,
  QLinearSigmoid: unary(),
  QLinearSoftmax: softmax,
  QLinearWhere: where,
  // onnxruntime's JavaScript can't return codes of 4 bits.
  QuantizeLinear: conversion(
    wideTypes,
    (random, _type, dims) => floats(random, dims),
    (type) => type,
  ),
};
