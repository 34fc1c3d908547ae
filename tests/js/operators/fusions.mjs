/** Cases of com.microsoft's fusions of other operators. single_node.mjs says what a case is. */
import { float, scalar } from '../../models/onnx_builder.mjs';
import { codes, weightCodes } from './integer.mjs';
import { floats, integers, list, randomShape, uniforms } from './values.mjs';

const domain = 'com.microsoft';
const count = 30;
const maybe = (random, make) => (random.boolean() ? make() : null);
const epsilon = (random) => ({ epsilon: float(random.pick([1e-12, 1e-5, 1e-3])) });

/** A definition in com.microsoft, in one operator set of ONNX. */
const define = (make) => ({
  opsets: [17],
  count,
  make: (random, opset, index) => ({ domain, ...make(random, index) }),
});

const unary = (attributes = () => ({})) =>
  define((random) => ({
    inputs: [floats(random, randomShape(random, random.integer(1, 4)))],
    attributes: attributes(random),
  }));

const withBias = (isOptional) =>
  define((random) => {
    const dims = randomShape(random, random.integer(1, 4), 9);
    const bias = floats(random, [dims.at(-1)]);
    return { inputs: [floats(random, dims), isOptional && random.boolean() ? null : bias] };
  });

/** Input, skip, gamma, then what the operator has; the fourth output is the sum. */
const skipNorm = (hasBeta) =>
  define((random) => {
    const dims = [...randomShape(random, 2), random.integer(1, 40)];
    const vector = () => floats(random, [dims[2]]);
    const skip = random.pick([dims, dims, [1, dims[1], dims[2]], [dims[1], dims[2]]]);
    return {
      inputs: [
        floats(random, dims),
        floats(random, skip),
        vector(),
        ...(hasBeta ? [maybe(random, vector)] : []),
        maybe(random, vector),
      ],
      attributes: epsilon(random),
    };
  });

const embedNorm = define((random) => {
  const [batch, rows, columns] = [
    random.integer(1, 3),
    random.integer(1, 6),
    random.integer(2, 20),
  ];
  const ids = (high) => integers(random, 'int32', [batch, rows], 0, high);
  const segments = random.boolean();
  return {
    inputs: [
      ids(8),
      segments ? ids(1) : null,
      floats(random, [9, columns]),
      floats(random, [7, columns]),
      segments ? floats(random, [2, columns]) : null,
      floats(random, [columns]),
      floats(random, [columns]),
    ],
    attributes: epsilon(random),
    outputs: ['float32', 'int32', 'float32'],
  };
});

const fusedMatMul = define((random) => {
  const [m, n, k] = random.integers(3, 1, 12);
  const batch = randomShape(random, random.integer(0, 2), 3);
  const [transA, transB] = random.integers(2, 0, 1);
  const shared = random.boolean();
  const matrix = (rows, columns, turned) => (turned ? [columns, rows] : [rows, columns]);
  return {
    inputs: [
      floats(random, [...batch, ...matrix(m, k, transA)]),
      floats(random, [...(shared ? [] : batch), ...matrix(k, n, transB)]),
    ],
    attributes: { transA, transB, alpha: float(random.uniform(0.2, 2)) },
  };
});

const fusedConv = define((random) => {
  const [channels, filters, size] = [random.integer(1, 5), random.integer(1, 9), 3];
  const activation = random.pick(['Relu', 'Sigmoid', 'Tanh', 'LeakyRelu', 'HardSigmoid', 'Clip']);
  const params = { LeakyRelu: [0.1], HardSigmoid: [0.3, 0.4], Clip: [-0.5, 1.5] }[activation];
  return {
    inputs: [
      floats(random, [random.integer(1, 2), channels, 6, 7], 1),
      floats(random, [filters, channels, size, size], 0.5),
      maybe(random, () => floats(random, [filters])),
    ],
    constant: [false, true, true],
    attributes: {
      activation,
      kernel_shape: [size, size],
      pads: [1, 1, 1, 1],
      ...(params && { activation_params: params }),
    },
  };
});

const fusedGemm = define((random) => {
  const [m, n, k] = random.integers(3, 1, 12);
  const [transA, transB] = random.integers(2, 0, 1);
  const activation = random.pick(['Relu', 'Sigmoid', 'Tanh', 'LeakyRelu']);
  return {
    inputs: [
      floats(random, transA ? [k, m] : [m, k]),
      floats(random, transB ? [n, k] : [k, n]),
      maybe(random, () => floats(random, [n])),
    ],
    attributes: {
      activation,
      transA,
      transB,
      alpha: float(random.uniform(0.2, 2)),
      ...(activation === 'LeakyRelu' && { activation_alpha: float(0.1) }),
    },
  };
});

const integerShapes = (random) => {
  const [m, n, k] = [random.integer(1, 9), random.integer(1, 20), random.integer(1, 40)];
  return { a: [random.integer(1, 3), m, k], b: [k, n], n };
};

const dynamicQuantizeMatMul = define((random) => {
  const { a, b, n } = integerShapes(random);
  const type = random.pick(['uint8', 'int8']);
  const scales = random.boolean() ? [n] : [];
  return {
    inputs: [
      floats(random, a),
      weightCodes(random, type, b),
      uniforms(random, scales, 0.01, 0.1),
      maybe(random, () => integers(random, type, scales, 1, 20)),
      maybe(random, () => floats(random, [n])),
    ],
    constant: [false, true, true, true, true],
  };
});

const matMulIntegerToFloat = define((random) => {
  const { a, b, n } = integerShapes(random);
  const type = random.pick(['uint8', 'int8']);
  const scales = random.boolean() ? [n] : [];
  return {
    inputs: [
      codes(random, 'uint8', a),
      weightCodes(random, type, b),
      scalar('float32', 0.02),
      uniforms(random, scales, 0.01, 0.1),
      maybe(random, () => scalar('uint8', random.integer(0, 255))),
      maybe(random, () => integers(random, type, scales, 1, 20)),
      maybe(random, () => floats(random, [n])),
    ],
    constant: [false, true, true, true, true, true, true],
  };
});

const qAttention = define((random) => {
  const [batch, rows, heads] = [random.integer(1, 3), random.integer(1, 6), random.integer(1, 3)];
  const [depth, columns] = [2 * random.integer(1, 6), random.integer(1, 12)];
  const width = 3 * heads * depth;
  const type = random.pick(['uint8', 'int8']);
  return {
    inputs: [
      codes(random, 'uint8', [batch, rows, columns]),
      weightCodes(random, type, [columns, width]),
      floats(random, [width]),
      scalar('float32', 0.02),
      scalar('float32', 0.02),
      maybe(random, () => integers(random, 'int32', [batch], 1, rows)),
      scalar('uint8', random.integer(100, 150)),
      scalar(type, random.integer(0, 20)),
    ],
    constant: [false, true, true, true, true, false, true, true],
    attributes: { num_heads: heads, unidirectional: random.integer(0, 1) },
  };
});

const nhwcMaxPool = define((random) => {
  const type = random.pick(['uint8', 'int8']);
  return {
    inputs: [codes(random, type, [random.integer(1, 2), 7, 6, random.integer(1, 5)])],
    attributes: { kernel_shape: [3, 2], strides: random.integers(2, 1, 2), pads: [1, 0, 1, 0] },
    outputs: [type],
  };
});

const trilu = define((random) => ({
  inputs: [floats(random, randomShape(random, 3)), list([random.integer(-2, 2)])].map((x, i) =>
    i === 0 ? x : scalar('int64', Number(x.data[0])),
  ),
  attributes: { upper: random.integer(0, 1) },
}));

const convTransposeWithDynamicPads = define((random) => {
  const [channels, filters] = random.integers(2, 1, 5);
  return {
    inputs: [
      floats(random, [1, channels, 5, 6], 1),
      floats(random, [channels, filters, 3, 3], 1),
      list(random.integers(4, 0, 1)),
      maybe(random, () => floats(random, [filters])),
    ],
    constant: [false, true, true, true],
    attributes: { kernel_shape: [3, 3], strides: random.integers(2, 1, 2) },
  };
});

export const fusions = {
  BiasGelu: withBias(false),
  ConvTransposeWithDynamicPads: convTransposeWithDynamicPads,
  DynamicQuantizeMatMul: dynamicQuantizeMatMul,
  EmbedLayerNormalization: embedNorm,
  FastGelu: withBias(true),
  FusedConv: fusedConv,
  FusedGemm: fusedGemm,
  FusedMatMul: fusedMatMul,
  Gelu: unary(),
  MatMulIntegerToFloat: matMulIntegerToFloat,
  NhwcMaxPool: nhwcMaxPool,
  QAttention: qAttention,
  QuickGelu: unary((random) => ({ alpha: float(random.uniform(0.5, 2)) })),
  SkipLayerNormalization: skipNorm(true),
  SkipSimplifiedLayerNormalization: skipNorm(false),
  Trilu: trilu,
};

/** onnxruntime has it in ONNX's domain. */
export const simplifiedNorm = {
  ...define((random) => {
    const dims = [...randomShape(random, 2), random.integer(1, 40)];
    return {
      inputs: [floats(random, dims), floats(random, [dims[2]])],
      attributes: { ...epsilon(random), axis: -1 },
      domain: '',
    };
  }),
};
