/** Cases of operators that work element by element. single_node.mjs says what a case is. */
import { float, scalar, tensor, typeCode } from '../../models/onnx_builder.mjs';
import {
  booleans,
  broadcastable,
  floats,
  integers,
  numbers,
  randomShape,
  uniforms,
} from './values.mjs';

const arithmeticTypes = ['float32', 'float32', 'int32', 'int64'];

/** Two operands of which either may broadcast, now and then none has elements. */
function operands(random, type, make = numbers) {
  const dims = randomShape(random, random.integer(1, 4));
  if (random.uniform() < 0.1) dims[0] = 0;
  const pair = [make(random, type, dims), make(random, type, broadcastable(random, dims))];
  return random.boolean() ? pair : pair.reverse();
}

const arithmetic = (opsets) => ({
  opsets,
  make(random) {
    const type = random.pick(arithmeticTypes);
    return { inputs: operands(random, type), outputs: [type] };
  },
});

const nonZero = (random, type, dims) => {
  const value = numbers(random, type, dims);
  const one = type === 'int64' ? 1n : 1;
  return tensor(
    type,
    dims,
    value.data.map((element) =>
      element === 0n || Math.abs(Number(element)) < 0.1 ? one : element,
    ),
  );
};

const comparison = (opsets) => ({
  opsets,
  make(random, opset) {
    const type = opset < 9 ? 'float32' : random.pick(['float32', 'int32', 'int64']);
    // Few different values, so that equal ones meet.
    const few = (_, elements, dims) => integers(random, elements, dims, -2, 2);
    return { inputs: operands(random, type, few), outputs: ['bool'] };
  },
});

const logical = {
  opsets: [7, 13],
  make: (random) => ({ inputs: operands(random, 'bool'), outputs: ['bool'] }),
};

const extremum = {
  opsets: [8, 12, 13],
  make(random, opset) {
    const type = opset < 12 ? 'float32' : random.pick(['float32', 'int32', 'int64']);
    const dims = randomShape(random, 3);
    const others = Array.from({ length: random.integer(0, 3) }, () => broadcastable(random, dims));
    return { inputs: [dims, ...others].map((d) => numbers(random, type, d)), outputs: [type] };
  },
};

const unary = (opsets, attributes = () => ({}), make = (random, dims) => floats(random, dims)) => ({
  opsets,
  make: (random, opset) => ({
    inputs: [make(random, randomShape(random, random.integer(0, 4), 7))],
    attributes: attributes(random, opset),
  }),
});

const positive = (random, dims) => uniforms(random, dims, 0.01, 30);

/** Bounds as attributes before operator set 11, then as inputs, of which either may be left out. */
const clip = {
  opsets: [6, 11, 12, 13],
  make(random, opset) {
    const low = random.boolean() ? random.integer(-3, 0) : undefined;
    const high = random.boolean() ? random.integer(1, 4) : undefined;
    const dims = randomShape(random, 3);
    if (opset < 11) {
      return {
        inputs: [floats(random, dims)],
        attributes: {
          ...(low !== undefined && { min: float(low) }),
          ...(high !== undefined && { max: float(high) }),
        },
      };
    }
    const type =
      opset < 12 ? 'float32' : random.pick(['float32', 'int32', 'int64', 'int8', 'uint8']);
    const bound = (value) =>
      value === undefined ? null : scalar(type, Math.max(value, type === 'uint8' ? 0 : -9));
    return { inputs: [numbers(random, type, dims), bound(low), bound(high)], outputs: [type] };
  },
};

const castPairs = [
  ['float32', 'int32'],
  ['float32', 'int64'],
  ['float32', 'bool'],
  ['float32', 'float64'],
  ['float32', 'uint8'],
  ['int64', 'float32'],
  ['int64', 'int32'],
  ['int64', 'bool'],
  ['int32', 'float32'],
  ['int32', 'int64'],
  ['int8', 'float32'],
  ['uint8', 'float32'],
  ['bool', 'float32'],
  ['bool', 'int64'],
  ['float32', 'float32'],
];

const cast = {
  opsets: [6, 9, 13, 19],
  count: castPairs.length,
  make(random, _opset, index) {
    const [from, to] = castPairs[index % castPairs.length];
    const dims = randomShape(random, 3);
    const value = to === 'uint8' ? uniforms(random, dims, 0, 255) : numbers(random, from, dims);
    return { inputs: [value], attributes: { to: typeCode(to) }, outputs: [to] };
  },
};

const power = {
  opsets: [7, 12, 13, 15],
  make(random, opset) {
    const dims = randomShape(random, 3);
    if (random.boolean()) {
      // Squares and cubes by a scalar are how exporters write LayerNorm and GELU.
      const exponent = scalar('float32', random.pick([2, 3, 0.5, -1]));
      const base = exponent.data[0] === 2 || exponent.data[0] === 3 ? floats : positive;
      return { inputs: [base(random, dims), exponent], constant: [false, true] };
    }
    const exponentType = opset < 12 ? 'float32' : random.pick(['float32', 'int64', 'int32']);
    return {
      inputs: [
        uniforms(random, dims, 0.2, 3),
        integers(random, exponentType, broadcastable(random, dims), -2, 3),
      ],
    };
  },
};

const where = {
  opsets: [9, 16],
  make(random) {
    const type = random.pick(['float32', 'int64', 'int32', 'uint8']);
    const dims = randomShape(random, 3);
    return {
      inputs: [
        booleans(random, broadcastable(random, dims)),
        numbers(random, type, dims),
        numbers(random, type, broadcastable(random, dims)),
      ],
      outputs: [type],
    };
  },
};

export const elementwise = {
  Add: arithmetic([7, 13, 14]),
  Sub: arithmetic([7, 13, 14]),
  Mul: arithmetic([7, 13, 14]),
  Div: {
    opsets: [7, 13, 14],
    make(random) {
      const type = random.pick(arithmeticTypes);
      const [a, b] = operands(random, type);
      return { inputs: [a, nonZero(random, type, b.dims)], outputs: [type] };
    },
  },
  Pow: power,
  Max: extremum,
  Min: extremum,
  Equal: {
    ...comparison([7, 11, 13, 19]),
    make: (random, opset) => {
      const type = opset < 11 ? random.pick(['int32', 'int64']) : random.pick(['float32', 'int64']);
      const few = (_, elements, dims) => integers(random, elements, dims, -2, 2);
      return { inputs: operands(random, type, few), outputs: ['bool'] };
    },
  },
  Greater: comparison([7, 9, 13]),
  Less: comparison([7, 9, 13]),
  GreaterOrEqual: comparison([12, 16]),
  LessOrEqual: comparison([12, 16]),
  And: logical,
  Or: logical,
  Not: {
    opsets: [7],
    make: (random) => ({ inputs: [booleans(random, randomShape(random, 3))], outputs: ['bool'] }),
  },
  Where: where,
  Neg: unary([6, 13]),
  Abs: unary([6, 13]),
  Exp: unary([6, 13]),
  Log: unary([6, 13], undefined, positive),
  Sqrt: unary([6, 13], undefined, positive),
  Reciprocal: unary([6, 13], undefined, positive),
  Floor: unary([6, 13]),
  Erf: unary([9, 13]),
  Tanh: unary([6, 13]),
  Sigmoid: unary([6, 13]),
  Relu: unary([6, 13, 14]),
  LeakyRelu: unary([6, 16], (random) => ({ alpha: float(random.uniform(0, 0.5)) })),
  HardSigmoid: unary([6], (random) => ({
    alpha: float(random.uniform(0.1, 0.3)),
    beta: float(random.uniform(0.3, 0.7)),
  })),
  HardSwish: unary([14]),
  Softplus: unary([7]),
  Gelu: unary([20], (random) => ({ approximate: random.pick(['none', 'tanh']) })),
  Clip: clip,
  Cast: cast,
  Identity: {
    opsets: [7, 13, 16, 19],
    make(random) {
      const type = random.pick(['float32', 'int64', 'bool', 'uint8']);
      return { inputs: [numbers(random, type, randomShape(random, 3))], outputs: [type] };
    },
  },
};
