/** Cases of operators that stand alone: losses, norms of lines, choices by data, Einsum, transforms. single_node.mjs says what a case is. */
import { scalar, tensor } from '../../models/onnx_builder.mjs';
import { booleans, floats, integers, list, randomShape, uniforms } from './values.mjs';

const axisOf = (random, rank) => random.integer(-rank, rank - 1);

const loss = (name) => ({
  opsets: [12, 13],
  count: 16,
  make(random) {
    const dims = [
      random.integer(1, 4),
      random.integer(2, 5),
      ...randomShape(random, random.integer(0, 3), 3),
    ];
    const classes = [dims[0], ...dims.slice(2)];
    const target = integers(random, random.pick(['int64', 'int32']), classes, 0, dims[1] - 1);
    const inputs = [floats(random, dims), target];
    if (random.boolean()) inputs.push(uniforms(random, [dims[1]], 0.1, 2));
    const attributes = { reduction: random.pick(['none', 'sum', 'mean']) };
    if (random.boolean()) {
      attributes.ignore_index = random.pick([0, 1, -1]);
      // One element counts, so that the mean is one.
      const counted = attributes.ignore_index === 0 ? 1 : 0;
      target.data[0] = target.type === 'int64' ? BigInt(counted) : counted;
    }
    const outputs = ['float32'];
    if (name === 'SoftmaxCrossEntropyLoss' && random.boolean()) outputs.push('float32');
    return { inputs, attributes, outputs };
  },
});

const lines = (opsets, attributesOf) => ({
  opsets,
  make(random, opset) {
    const dims = randomShape(random, random.integer(1, 4));
    return { inputs: [floats(random, dims)], attributes: attributesOf(random, dims.length, opset) };
  },
});

const meanVariance = {
  opsets: [9, 13],
  make(random) {
    const axes = random.pick([[0, 2, 3], [1, 2], [3], [0, 1, 2, 3]]);
    return { inputs: [floats(random, randomShape(random, 4))], attributes: { axes } };
  },
};

const compress = {
  opsets: [9, 11],
  count: 12,
  make(random, opset) {
    const dims = randomShape(random, random.integer(1, 3));
    const type = random.pick(['float32', 'int64', 'uint8']);
    const x = type === 'float32' ? floats(random, dims) : integers(random, type, dims, 0, 99);
    const axis = random.integer(opset < 11 ? 0 : -dims.length, dims.length - 1);
    const flat = random.boolean();
    const extent = flat ? x.data.length : dims.at(axis);
    const condition = booleans(random, [random.integer(1, extent)]);
    return { inputs: [x, condition], attributes: flat ? {} : { axis }, outputs: [type] };
  },
};

const reverseSequence = {
  opsets: [10],
  make(random) {
    const dims = randomShape(random, random.integer(2, 4));
    const time = random.integer(0, 1);
    const lengths = integers(random, 'int64', [dims[1 - time]], 1, dims[time]);
    return {
      inputs: [floats(random, dims), lengths],
      attributes: { time_axis: time, batch_axis: 1 - time },
    };
  },
};

const unique = {
  opsets: [11],
  count: 16,
  make(random) {
    const dims = randomShape(random, random.integer(1, 3));
    const type = random.pick(['float32', 'int64', 'string']);
    const numbers = integers(random, 'int32', dims, -1, 1);
    const x =
      type === 'string'
        ? tensor(
            'string',
            dims,
            Array.from(numbers.data, (value) => 'abc'[value + 1]),
          )
        : tensor(type, dims, [...numbers.data]);
    const attributes = { sorted: random.integer(0, 1) };
    if (random.boolean()) attributes.axis = axisOf(random, dims.length);
    return { inputs: [x], attributes, outputs: [type, 'int64', 'int64', 'int64'] };
  },
};

const nonMaxSuppression = {
  opsets: [10, 11],
  count: 12,
  make(random) {
    const [batch, classes, count] = [
      random.integer(1, 2),
      random.integer(1, 3),
      random.integer(1, 12),
    ];
    const inputs = [
      uniforms(random, [batch, count, 4], 0, 1),
      uniforms(random, [batch, classes, count], 0, 1),
      list([random.integer(0, 5)]),
    ];
    if (random.boolean()) inputs.push(tensor('float32', [1], [random.uniform(0, 1)]));
    if (inputs.length === 4 && random.boolean()) {
      inputs.push(tensor('float32', [1], [random.uniform(0, 0.6)]));
    }
    const attributes = { center_point_box: random.integer(0, 1) };
    return { inputs, attributes, outputs: ['int64'] };
  },
};

const equations = [
  ['ij,jk->ik', [2, 3], [3, 4]],
  ['bij,bjk->bik', [2, 3, 4], [2, 4, 5]],
  ['bhid,bhjd->bhij', [2, 2, 3, 4], [2, 2, 5, 4]],
  ['...ij,...jk->...ik', [2, 3, 4], [2, 4, 5]],
  ['ii->i', [3, 3]],
  ['ii', [4, 4]],
  ['ij->ji', [2, 3]],
  ['ba', [2, 3]],
  ['ij->', [2, 3]],
  ['i,i', [4], [4]],
  ['i,j->ij', [3], [4]],
  ['ij,jk,kl->il', [2, 3], [3, 4], [4, 2]],
  ['...ii->...i', [2, 3, 3]],
  ['a b c , c d -> d a b', [2, 3, 4], [4, 2]],
  ['bi,bj,bk->bijk', [2, 2], [2, 3], [2, 2]],
  [',->', [], []],
];
const einsum = {
  opsets: [12],
  count: 2 * equations.length,
  make(random, _opset, index) {
    const [equation, ...shapes] = equations[index % equations.length];
    const type = index < equations.length ? 'float32' : random.pick(['float64', 'int64', 'int32']);
    const inputs = shapes.map((dims) =>
      type === 'float32' ? floats(random, dims) : integers(random, type, dims, -5, 5),
    );
    return { inputs, attributes: { equation }, outputs: [type] };
  },
};

const det = {
  opsets: [11],
  make(random) {
    const size = random.integer(1, 5);
    const dims = [...randomShape(random, random.integer(0, 2), 3), size, size];
    return { inputs: [floats(random, dims)] };
  },
};

const dft = {
  opsets: [17, 20],
  count: 20,
  make(random, opset) {
    const inverse = random.integer(0, 1);
    const onesided = inverse ? 0 : random.integer(0, 1);
    const parts = onesided ? 1 : random.integer(1, 2);
    const dims = [...randomShape(random, random.integer(2, 3), 12), parts];
    const axis = random.integer(1, dims.length - 2);
    const inputs = [floats(random, dims)];
    if (random.boolean()) inputs.push(scalar('int64', random.integer(1, 2 * dims[axis])));
    const attributes = { inverse, onesided };
    if (opset < 20) attributes.axis = axis;
    else
      inputs.push(
        ...[null].slice(inputs.length - 1),
        scalar('int64', axis - random.pick([0, dims.length])),
      );
    return { inputs, attributes, constant: inputs.map((_, i) => i > 0) };
  },
};

const stft = {
  opsets: [17],
  make(random) {
    const length = random.integer(4, 9);
    const onesided = random.integer(0, 1);
    const signal = floats(random, [random.integer(1, 2), random.integer(length, 30), 1]);
    const window = random.boolean() ? uniforms(random, [length], 0, 1) : null;
    return {
      inputs: [signal, scalar('int64', random.integer(1, 5)), window, scalar('int64', length)],
      attributes: { onesided },
    };
  },
};

const window = {
  opsets: [17],
  make(random) {
    const double = random.boolean();
    const attributes = { periodic: random.integer(0, 1), output_datatype: double ? 11 : 1 };
    const size = scalar(random.pick(['int64', 'int32']), random.integer(2, 20));
    return { inputs: [size], attributes, outputs: [double ? 'float64' : 'float32'] };
  },
};

const melWeightMatrix = {
  opsets: [17],
  make(random) {
    const rate = random.pick([8000, 16000]);
    return {
      inputs: [
        scalar('int64', random.integer(2, 20)),
        scalar('int64', random.pick([32, 64, 100])),
        scalar('int64', rate),
        scalar('float32', random.pick([0, 50, 100])),
        scalar('float32', rate / random.pick([2, 3, 4])),
      ],
    };
  },
};

export const general = {
  NegativeLogLikelihoodLoss: loss('NegativeLogLikelihoodLoss'),
  SoftmaxCrossEntropyLoss: loss('SoftmaxCrossEntropyLoss'),
  Hardmax: lines([1, 11, 13], (random, rank, opset) => ({
    axis: opset < 11 ? random.integer(0, rank - 1) : axisOf(random, rank),
  })),
  LpNormalization: lines([1], (random, rank) => ({
    axis: axisOf(random, rank),
    p: random.integer(1, 2),
  })),
  MeanVarianceNormalization: meanVariance,
  Compress: compress,
  ReverseSequence: reverseSequence,
  Unique: unique,
  NonMaxSuppression: nonMaxSuppression,
  Einsum: einsum,
  Det: det,
  DFT: dft,
  STFT: stft,
  HannWindow: window,
  HammingWindow: window,
  BlackmanWindow: window,
  MelWeightMatrix: melWeightMatrix,
};
