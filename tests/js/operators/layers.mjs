/** Cases of the layers of nets: sums over windows, rows and time. single_node.mjs says what a case is. */
import { float, scalar } from '../../models/onnx_builder.mjs';
import {
  anAxis,
  broadcastable,
  floats,
  integers,
  list,
  numbers,
  randomShape,
  someAxes,
  uniforms,
} from './values.mjs';

/** Spatial attributes of a window: explicit pads, or one of the automatic ways, which need windows that touch. */
function windowAttributes(random, kernel, { dilated = true } = {}) {
  const strides = kernel.map(() => random.integer(1, 2));
  const attributes = { kernel_shape: kernel, strides };
  const touching = kernel.every((extent, axis) => extent >= strides[axis]);
  if (touching && random.uniform() < 0.4) {
    return { ...attributes, auto_pad: random.pick(['SAME_UPPER', 'SAME_LOWER', 'VALID']) };
  }
  if (dilated) attributes.dilations = kernel.map(() => random.pick([1, 1, 2]));
  const pads = kernel.map((extent) => random.integer(0, Math.min(1, extent - 1)));
  const otherPads = kernel.map((extent) => random.integer(0, extent - 1));
  return { ...attributes, pads: [...pads, ...otherPads] };
}

const conv = {
  opsets: [1, 11, 22],
  count: 24,
  make(random) {
    const spatial = random.pick([1, 2, 2]);
    const kernel = random.integers(spatial, 1, 3);
    const depthwise = random.uniform() < 0.3;
    const groups = depthwise ? random.integer(2, 9) : random.pick([1, 1, 2]);
    const channels = depthwise ? groups : groups * random.integer(1, 5);
    const filters = groups * random.integer(1, depthwise ? 2 : 9);
    const x = floats(
      random,
      [random.integer(1, 2), channels, ...random.integers(spatial, 5, 12)],
      1,
    );
    const w = floats(random, [filters, channels / groups, ...kernel], 1);
    const bias = random.boolean() ? [floats(random, [filters], 1)] : [];
    const constant = random.uniform() < 0.8;
    return {
      inputs: [x, w, ...bias],
      constant: [false, constant, constant],
      attributes: { ...windowAttributes(random, kernel), group: groups },
    };
  },
};

const convTranspose = {
  opsets: [1, 11, 22],
  count: 12,
  make(random) {
    const spatial = 2;
    const kernel = random.integers(spatial, 1, 4);
    const groups = random.pick([1, 1, 2]);
    const channels = groups * random.integer(1, 4);
    const filters = random.integer(1, 4);
    const strides = random.integers(spatial, 1, 3);
    const x = floats(
      random,
      [random.integer(1, 2), channels, ...random.integers(spatial, 2, 6)],
      1,
    );
    const w = floats(random, [channels, filters, ...kernel], 1);
    const bias = random.boolean() ? [floats(random, [groups * filters], 1)] : [];
    const attributes = { kernel_shape: kernel, strides, group: groups };
    if (random.boolean())
      attributes.output_padding = strides.map((stride) => random.integer(0, stride - 1));
    if (random.boolean()) attributes.dilations = random.integers(spatial, 1, 2);
    const pads = kernel.map((extent) => random.integer(0, Math.floor((extent - 1) / 2)));
    return {
      inputs: [x, w, ...bias],
      constant: [false, true, true],
      attributes: { ...attributes, pads: [...pads, ...pads] },
    };
  },
};

const pool = (opsets, options) => ({
  opsets,
  count: 12,
  make(random, opset) {
    const spatial = random.pick([1, 2, 2]);
    const kernel = random.integers(spatial, 1, 3);
    const x = floats(random, [
      random.integer(1, 2),
      random.integer(1, 5),
      ...random.integers(spatial, 5, 10),
    ]);
    const attributes = windowAttributes(random, kernel, {
      dilated: opset >= options.dilatedFrom,
    });
    if (opset >= 10 && attributes.auto_pad === undefined)
      attributes.ceil_mode = random.integer(0, 1);
    return { inputs: [x], attributes: { ...attributes, ...options.more(random) } };
  },
});

const batchNormalization = {
  opsets: [7, 9, 14, 15],
  make(random) {
    const channels = random.integer(1, 9);
    const x = floats(random, [
      random.integer(1, 3),
      channels,
      ...randomShape(random, random.integer(0, 2)),
    ]);
    const perChannel = [
      floats(random, [channels]),
      floats(random, [channels]),
      floats(random, [channels]),
      uniforms(random, [channels], 0.1, 2),
    ];
    const constant = random.uniform() < 0.7;
    return {
      inputs: [x, ...perChannel],
      constant: [false, constant, constant, constant, constant],
      attributes: { epsilon: random.pick([1e-5, 1e-3]) },
    };
  },
};

const gemm = {
  opsets: [7, 9, 11, 13],
  count: 12,
  make(random, opset) {
    const [m, n, k] = [random.integer(1, 9), random.integer(1, 20), random.integer(1, 33)];
    const [transA, transB] = random.integers(2, 0, 1);
    const a = floats(random, transA ? [k, m] : [m, k], 1);
    const b = floats(random, transB ? [n, k] : [k, n], 1);
    const c =
      opset >= 11 && random.uniform() < 0.2
        ? null
        : floats(random, broadcastable(random, [m, n]), 1);
    const constant = random.boolean();
    return {
      inputs: [a, b, c],
      constant: [false, constant, constant],
      attributes: {
        transA,
        transB,
        alpha: float(random.pick([1, 0.5])),
        beta: float(random.pick([1, 2])),
      },
    };
  },
};

const matMul = {
  opsets: [1, 9, 13],
  count: 16,
  make(random) {
    const [m, n, k] = [random.integer(1, 9), random.integer(1, 20), random.integer(1, 33)];
    const batch = randomShape(random, random.integer(0, 2), 3);
    const a = random.uniform() < 0.15 ? [k] : [...batch, m, k];
    const b =
      random.uniform() < 0.15
        ? [k]
        : [...(batch.length > 0 ? broadcastable(random, batch) : []), k, n];
    return {
      inputs: [floats(random, a, 1), floats(random, b, 1)],
      constant: [false, random.boolean()],
    };
  },
};

/** Weights, biases, lengths, states and peepholes of an LSTM; what is optional may be missing. */
const lstm = {
  opsets: [7, 14],
  count: 16,
  make(random) {
    const direction = random.pick(['forward', 'reverse', 'bidirectional']);
    const directions = direction === 'bidirectional' ? 2 : 1;
    const [length, batch, size, hidden] = [6, 3, 9, 7].map((largest) => random.integer(1, largest));
    const maybe = (make) => (random.boolean() ? make() : null);
    const state = () => floats(random, [directions, batch, hidden], 0.5);
    const inputs = [
      floats(random, [length, batch, size], 1),
      floats(random, [directions, 4 * hidden, size], 0.5),
      floats(random, [directions, 4 * hidden, hidden], 0.5),
      maybe(() => floats(random, [directions, 8 * hidden], 0.5)),
      maybe(() => integers(random, 'int32', [batch], 1, length)),
      maybe(state),
      maybe(state),
      maybe(() => floats(random, [directions, 3 * hidden], 0.5)),
    ];
    return {
      inputs,
      constant: [false, true, true, true, false, false, false, true],
      attributes: { direction, hidden_size: hidden },
      outputs: ['float32', 'float32', 'float32'],
    };
  },
};

/** Rows of the last axes together before operator set 13, one axis from then on. */
const softmax = {
  opsets: [1, 11, 13],
  make(random, opset) {
    const dims = randomShape(random, random.integer(opset < 13 ? 2 : 1, 4), 7);
    const axis = opset < 11 ? random.integer(0, dims.length - 1) : anAxis(random, dims.length);
    return { inputs: [floats(random, dims)], attributes: random.boolean() ? { axis } : {} };
  },
};

/** @param {number} inputFrom the operator set from which the axes are an input */
const reduce = (opsets, inputFrom, types = ['float32']) => ({
  opsets,
  count: 12,
  make(random, opset) {
    const type = random.pick(types);
    const dims = randomShape(random, random.integer(1, 5));
    const x = numbers(random, type, dims);
    const picked = someAxes(random, dims.length, random.integer(1, dims.length));
    const axes = opset < 11 ? picked.map((axis) => (axis + dims.length) % dims.length) : picked;
    const attributes = { keepdims: random.integer(0, 1) };
    const all = random.uniform() < 0.2;
    if (opset < inputFrom) {
      return {
        inputs: [x],
        attributes: all ? attributes : { ...attributes, axes },
        outputs: [type],
      };
    }
    if (all && random.boolean()) attributes.noop_with_empty_axes = 1;
    return { inputs: all ? [x] : [x, list(axes)], attributes, outputs: [type] };
  },
});

const globalPool = {
  opsets: [1, 22],
  make: (random) => ({
    inputs: [
      floats(random, [...randomShape(random, 2), ...random.integers(random.integer(1, 2), 1, 9)]),
    ],
  }),
};

/** Two branches that compute, return what is captured, or return a constant. */
const conditional = {
  opsets: [7, 11, 13, 19],
  make(random) {
    const dims = randomShape(random, 2);
    const x = floats(random, dims);
    const constant = floats(random, dims);
    const branches = {
      computes: (graph, [, captured]) => graph.add('Mul', [captured, captured]),
      captures: (graph, [, captured]) => graph.add('Identity', [captured]),
      creates: (graph) => graph.constant(constant),
    };
    const branch = (kind) => (graph, name, inputs) => {
      const body = graph.subgraph(name);
      body.output(branches[kind](body, inputs), 'float32');
      return body;
    };
    const kinds = Object.keys(branches);
    const [then, otherwise] = [random.pick(kinds), random.pick(kinds)].map(branch);
    return {
      inputs: [scalar('bool', random.boolean() ? 1 : 0), x],
      constant: [random.boolean(), false],
      given: 1,
      attributes: (graph, inputs) => ({
        then_branch: then(graph, 'then', inputs),
        else_branch: otherwise(graph, 'else', inputs),
      }),
    };
  },
};

export const layers = {
  Conv: conv,
  ConvTranspose: convTranspose,
  MaxPool: pool([1, 8, 10, 12], { dilatedFrom: 10, more: () => ({}) }),
  AveragePool: pool([7, 10, 11, 19], {
    dilatedFrom: 19,
    more: (random) => ({ count_include_pad: random.integer(0, 1) }),
  }),
  GlobalAveragePool: globalPool,
  BatchNormalization: batchNormalization,
  Gemm: gemm,
  MatMul: matMul,
  LSTM: lstm,
  Softmax: softmax,
  LogSoftmax: softmax,
  ReduceSum: reduce([1, 11, 13], 13, ['float32', 'int64', 'int32']),
  ReduceMean: reduce([1, 11, 13, 18], 18),
  ReduceMax: reduce([1, 11, 12, 13, 18], 18, ['float32', 'int64', 'int32']),
  If: conditional,
};
