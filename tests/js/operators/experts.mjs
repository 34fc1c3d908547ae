/** Cases of mixtures of experts, and of Inverse, in com.microsoft. single_node.mjs says what a case is. */
import { float } from '../../models/onnx_builder.mjs';
import { floats, integers, randomShape, uniforms } from './values.mjs';

const domain = 'com.microsoft';
const count = 30;
const maybe = (random, make) => (random.boolean() ? make() : null);

const define = (make) => ({
  opsets: [17],
  count,
  make: (random, opset, index) => ({ domain, ...make(random, index) }),
});

/** What both have: sizes, tokens, scores of the router, and attributes. */
function mixture(random, { hidden, inner }) {
  const [experts, rows] = [random.integer(2, 5), random.integer(1, 6)];
  const activation_type = random.pick(['relu', 'gelu', 'silu', 'identity', 'swiglu']);
  const isGated = activation_type === 'swiglu';
  const tokens = random.boolean() ? [rows, hidden] : [2, rows, hidden];
  return {
    experts,
    hidden,
    inner,
    up: isGated ? 2 * inner : inner,
    tokens: floats(random, tokens, 1),
    scores: floats(random, [tokens.length === 3 ? 2 * rows : rows, experts], 1),
    attributes: {
      activation_type,
      k: random.integer(1, experts),
      normalize_routing_weights: random.integer(0, 1),
      ...(isGated && {
        swiglu_fusion: 1,
        activation_alpha: float(1.702),
        activation_beta: float(1),
        swiglu_limit: float(random.pick([7, 0.5])),
      }),
    },
  };
}

const moe = define((random) => {
  const sizes = { hidden: random.integer(3, 12), inner: random.integer(13, 20) };
  const { experts, hidden, inner, up, tokens, scores, attributes } = mixture(random, sizes);
  return {
    inputs: [
      tokens,
      scores,
      floats(random, [experts, up, hidden], 0.5),
      maybe(random, () => floats(random, [experts, up], 0.5)),
      floats(random, [experts, hidden, inner], 0.5),
      maybe(random, () => floats(random, [experts, hidden], 0.5)),
    ],
    attributes,
  };
});

/** Weights of `bits`, a scale and perhaps a zero point for each row or block of one. */
function quantizedWeights(random, [experts, rows, columns], { bits, block, hasZeros }) {
  const groups = block === 0 ? [] : [Math.ceil(columns / block)];
  const packed = (length) => Math.ceil((length * bits) / 8);
  const zeros = block === 0 ? [experts, packed(rows)] : [experts, rows, packed(groups[0])];
  return {
    weights: integers(random, 'uint8', [experts, rows, packed(columns)], 0, 255),
    scales: uniforms(random, [experts, rows, ...groups], 0.2 / 2 ** bits, 0.5 / 2 ** bits),
    zeros: hasZeros ? integers(random, 'uint8', zeros, 0, 255) : null,
  };
}

const qmoe = define((random) => {
  const [bits, block] = [random.pick([4, 8]), random.pick([0, 16, 32])];
  // Of 4 bits, onnxruntime is wrong where one product alone has zero points.
  const layout = { bits, block, hasZeros: random.boolean() };
  const { experts, hidden, inner, up, tokens, scores, attributes } = mixture(random, {
    hidden: 64,
    inner: 96,
  });
  const first = quantizedWeights(random, [experts, up, hidden], layout);
  const second = quantizedWeights(random, [experts, hidden, inner], layout);
  return {
    inputs: [
      tokens,
      scores,
      first.weights,
      first.scales,
      maybe(random, () => floats(random, [experts, up], 0.5)),
      second.weights,
      second.scales,
      maybe(random, () => floats(random, [experts, hidden], 0.5)),
      null,
      null,
      null,
      first.zeros,
      second.zeros,
    ],
    constant: [2, 3, 5, 6, 11, 12].reduce((all, i) => all.with(i, true), Array(13).fill(false)),
    attributes: { ...attributes, expert_weight_bits: bits, ...(block && { block_size: block }) },
  };
});

/** Far from singular: with much on the diagonal. */
const inverse = define((random) => {
  const n = random.integer(1, 6);
  const x = floats(random, [...randomShape(random, random.integer(0, 2), 3), n, n], 1);
  x.data.forEach((_, i) => {
    if ((i % (n * n)) % (n + 1) === 0) x.data[i] += 4 * n;
  });
  return { inputs: [x] };
});

export const experts = { Inverse: inverse, MoE: moe, QMoE: qmoe };
