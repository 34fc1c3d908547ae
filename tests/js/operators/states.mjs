/** Cases of com.microsoft's operators that keep a state, which onnxruntime has on the CPU. single_node.mjs says what a case is. */
import { float } from '../../models/onnx_builder.mjs';
import { elementCount, floats, randomShape, uniforms } from './values.mjs';

const maybe = (random, make) => (random.boolean() ? make() : null);

const define = (make) => ({
  opsets: [17],
  count: 60,
  make: (random) => ({
    domain: 'com.microsoft',
    outputs: ['float32', 'float32'],
    ...make(random),
  }),
});

const causalConv = define((random) => {
  const channels_last = random.integer(0, 1);
  const [batch, taps, dilation] = random.integers(3, 1, 4);
  const length = random.pick([1, 2, 5, 12]);
  const each = randomShape(random, channels_last ? random.integer(1, 2) : 1);
  const channels = elementCount(each);
  const before = (taps - 1) * dilation;
  const layout = (rows) => (channels_last ? [batch, rows, ...each] : [batch, channels, rows]);
  return {
    inputs: [
      floats(random, layout(length)),
      floats(random, [channels, 1, taps], 1),
      maybe(random, () => floats(random, [channels])),
      // An empty tensor is no memory that could be fed.
      before > 0 ? maybe(random, () => floats(random, layout(before))) : null,
    ],
    attributes: {
      channels_last,
      dilation,
      activation: random.pick(['none', 'silu', 'swish']),
    },
  };
});

const linearAttention = define((random) => {
  const update_rule = random.pick(['linear', 'gated', 'delta', 'gated_delta']);
  const [few, times] = [random.integer(1, 3), random.integer(1, 3)];
  // Queries that share states, or states that share queries, and keys.
  const isInverse = random.boolean();
  const [heads, kvHeads] = isInverse ? [few, few * times] : [few * times, few];
  const keyHeads = isInverse ? random.pick([few, kvHeads]) : kvHeads;
  const [keyDepth, valueDepth] = random.integers(2, 1, 9);
  const batch = random.integer(1, 2);
  const rows = random.pick([1, 1, 3, 7]);
  const operand = (width) => floats(random, [batch, rows, width], 0.5);
  const decays = kvHeads * random.pick([1, keyDepth]);
  return {
    inputs: [
      operand(heads * keyDepth),
      operand(keyHeads * keyDepth),
      operand(kvHeads * valueDepth),
      maybe(random, () => floats(random, [batch, kvHeads, keyDepth, valueDepth], 1)),
      update_rule.startsWith('gated') ? uniforms(random, [batch, rows, decays], -2, 0) : null,
      update_rule.endsWith('delta')
        ? uniforms(random, [batch, rows, random.pick([1, kvHeads])], 0, 1)
        : null,
    ],
    attributes: {
      q_num_heads: heads,
      kv_num_heads: kvHeads,
      update_rule,
      scale: float(random.pick([0, 0.3])),
    },
  };
});

export const states = { CausalConvWithState: causalConv, LinearAttention: linearAttention };
