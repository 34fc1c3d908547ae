/** Cases of attention and rotary embeddings. single_node.mjs says what a case is. */
import { float, scalar, tensor } from '../../models/onnx_builder.mjs';
import { booleans, floats, integers, list } from './values.mjs';

const count = 40;
const maybe = (random, make) => (random.boolean() ? make() : null);

/** Batch, heads in groups, rows and columns of a head. */
function sizes(random, { grouped = true } = {}) {
  const kvHeads = random.integer(1, 3);
  return {
    batch: random.integer(1, 3),
    heads: kvHeads * (grouped ? random.integer(1, 3) : 1),
    kvHeads,
    rows: random.pick([1, 1, 2, 5, 9]),
    depth: 2 * random.integer(1, 9),
  };
}

/** Cosines and sines of so many positions. */
function tables(random, dims) {
  const angles = random.uniforms(
    dims.reduce((product, dim) => product * dim, 1),
    -3,
    3,
  );
  return [Math.cos, Math.sin].map((f) => tensor('float32', dims, angles.map(f)));
}

const attention = {
  opsets: [23, 24],
  count: 60,
  make(random) {
    const { batch, heads, kvHeads, rows, depth } = sizes(random);
    const flat = random.boolean();
    const [keys, valueDepth] = [random.integer(1, 9), random.integer(1, 9)];
    const past = random.boolean() ? random.integer(1, 6) : 0;
    const total = past + keys;
    const operand = (head, length, columns) =>
      floats(random, flat ? [batch, length, head * columns] : [batch, head, length, columns], 1);
    const maskDims = random.pick([
      [rows, total],
      [heads, rows, total],
      [1, rows, total],
      [batch, heads, rows, total],
      [batch, 1, rows, total],
    ]);
    const mask = random.pick([
      () => null,
      () => floats(random, maskDims),
      () => {
        const allowed = booleans(random, maskDims);
        // At least the first key: onnxruntime and ONNX differ about rows that see nothing.
        for (let i = 0; i < allowed.data.length; i += total) allowed.data[i] = 1;
        return allowed;
      },
    ])();
    const cache = (columns) => past && floats(random, [batch, kvHeads, past, columns], 1);
    return {
      inputs: [
        operand(heads, rows, depth),
        operand(kvHeads, keys, depth),
        operand(kvHeads, keys, valueDepth),
        mask,
        ...(past ? [cache(depth), cache(valueDepth)] : []),
      ],
      attributes: {
        ...(flat && { q_num_heads: heads, kv_num_heads: kvHeads }),
        // Behind a cache, onnxruntime counts queries from the end of the keys.
        is_causal: past && keys !== rows ? 0 : random.integer(0, 1),
        ...(random.boolean() && { scale: float(random.uniform(0.1, 1)) }),
        ...(random.boolean() && { softcap: float(random.uniform(0.5, 3)) }),
      },
      outputs: past ? ['float32', 'float32', 'float32'] : ['float32'],
    };
  },
};

const rotaryEmbedding = {
  opsets: [23],
  count,
  make(random) {
    const { batch, heads, rows, depth } = sizes(random);
    const flat = random.boolean();
    const partial = depth > 2 && random.boolean();
    const half = partial ? random.integer(1, depth / 2 - 1) : depth / 2;
    const placed = random.boolean();
    const [cos, sin] = tables(random, placed ? [12, half] : [batch, rows, half]);
    return {
      inputs: [
        floats(random, flat ? [batch, rows, heads * depth] : [batch, heads, rows, depth]),
        cos,
        sin,
        ...(placed ? [integers(random, 'int64', [batch, rows], 0, 11)] : []),
      ],
      attributes: {
        interleaved: random.integer(0, 1),
        ...(flat && { num_heads: heads }),
        ...(partial && { rotary_embedding_dim: 2 * half }),
      },
    };
  },
};

const microsoftRotaryEmbedding = {
  opsets: [17],
  count,
  make(random) {
    const { batch, heads, rows, depth } = sizes(random);
    const flat = random.boolean();
    const [cos, sin] = tables(random, [16, depth / 2]);
    return {
      inputs: [
        floats(random, flat ? [batch, rows, heads * depth] : [batch, heads, rows, depth]),
        random.boolean()
          ? integers(random, 'int64', [batch, rows], 0, 15)
          : list([random.integer(0, 16 - rows)]),
        cos,
        sin,
      ],
      attributes: { interleaved: random.integer(0, 1), ...(flat && { num_heads: heads }) },
      domain: 'com.microsoft',
    };
  },
};

/** A first prompt, or rows behind a cache; several rows behind one only for a single batch. */
const groupQueryAttention = {
  opsets: [17],
  count: 60,
  make(random) {
    const { heads, kvHeads, rows, ...rest } = sizes(random);
    const depth = 16 * Math.ceil(rest.depth / 16);
    const past = random.boolean() ? random.integer(1, 7) : 0;
    const batch = past && rows > 1 ? 1 : rest.batch;
    const total = past + rows;
    const packed = random.boolean();
    const rotary = random.boolean();
    const operand = (head) => floats(random, [batch, rows, head * depth], 1);
    const cache = () => floats(random, [batch, kvHeads, past, depth], 1);
    const lengths = Array.from({ length: batch }, () =>
      past && batch > 1 ? random.integer(rows, total) : total,
    );
    if (batch > 1) lengths[0] = total;
    return {
      inputs: [
        operand(packed ? heads + 2 * kvHeads : heads),
        packed ? null : operand(kvHeads),
        packed ? null : operand(kvHeads),
        past ? cache() : null,
        past ? cache() : null,
        list(
          lengths.map((length) => length - 1),
          'int32',
        ),
        scalar('int32', total),
        ...(rotary ? tables(random, [32, depth / 2]) : [null, null]),
        null,
        random.uniform() < 0.3 ? floats(random, [1, 1, rows, total]) : null,
        random.uniform() < 0.2 ? floats(random, [heads]) : null,
      ],
      constant: [false, false, false, false, false, false, random.boolean()],
      attributes: {
        num_heads: heads,
        kv_num_heads: kvHeads,
        do_rotary: rotary ? 1 : 0,
        rotary_interleaved: random.integer(0, 1),
        ...(random.boolean() && { local_window_size: random.integer(1, 5) }),
        ...(random.boolean() && { softcap: float(random.uniform(0.5, 3)) }),
        ...(random.boolean() && { scale: float(random.uniform(0.1, 1)) }),
      },
      outputs: ['float32', 'float32', 'float32'],
      domain: 'com.microsoft',
    };
  },
};

/**
 * What onnxruntime takes as a mask, of so many queries and keys. The first key is always there: a row without any gets scores
 * near −10000, in which rounding decides.
 */
function padding(random, batch, rows, total) {
  const flags = (dims) => {
    const mask = integers(random, 'int32', dims, 0, 1);
    for (let i = 0; i < mask.data.length; i += total) mask.data[i] = 1;
    return mask;
  };
  return random.pick([
    () => null,
    () => integers(random, 'int32', [batch], 1, total),
    () => flags([batch, total]),
    () => flags([batch, rows, total]),
  ])();
}

const multiHeadAttention = {
  opsets: [17],
  count: 60,
  make(random) {
    const { batch, heads, rows, depth } = sizes(random, { grouped: false });
    // onnxruntime has packed operands only on other processors.
    const form = random.pick(['separate', 'separate', 'cache']);
    const past = form === 'separate' && random.boolean() ? random.integer(1, 5) : 0;
    // With more keys than queries onnxruntime's last query sees all of them.
    const unidirectional = random.integer(0, 1);
    const keys = unidirectional ? rows : random.integer(1, 9);
    const valueDepth = form === 'separate' && !past ? random.integer(1, 9) : depth;
    const total = past + keys;
    const rest = {
      separate: () => [
        floats(random, [batch, keys, heads * depth], 1),
        floats(random, [batch, keys, heads * valueDepth], 1),
      ],
      cache: () => [0, 1].map(() => floats(random, [batch, heads, keys, depth], 1)),
    }[form]();
    const query = [batch, rows, heads * depth];
    const biased = form === 'separate' && random.boolean();
    return {
      inputs: [
        floats(random, query, 1),
        ...rest,
        biased ? floats(random, [heads * (2 * depth + valueDepth)], 1) : null,
        past ? null : padding(random, batch, rows, total),
        maybe(random, () => floats(random, [random.pick([1, batch]), heads, rows, total])),
        ...(past
          ? [depth, valueDepth].map((columns) => floats(random, [batch, heads, past, columns], 1))
          : []),
      ],
      attributes: {
        num_heads: heads,
        unidirectional,
        ...(random.boolean() && { scale: float(random.uniform(0.1, 1)) }),
      },
      outputs: past ? ['float32', 'float32', 'float32'] : ['float32'],
      domain: 'com.microsoft',
    };
  },
};

const microsoftAttention = {
  opsets: [17],
  count: 60,
  make(random) {
    const { batch, heads, rows, depth } = sizes(random, { grouped: false });
    const [columns, width] = [random.integer(1, 12), heads * depth];
    const past = random.boolean() ? random.integer(1, 5) : 0;
    const total = past + rows;
    return {
      inputs: [
        floats(random, [batch, rows, columns], 1),
        floats(random, [columns, 3 * width], 0.5),
        floats(random, [3 * width], 0.5),
        padding(random, batch, rows, total),
        past ? floats(random, [2, batch, heads, past, depth], 1) : null,
        past
          ? null
          : maybe(random, () => floats(random, [random.pick([1, batch]), heads, rows, total])),
      ],
      constant: [false, true, true],
      attributes: { num_heads: heads, unidirectional: random.integer(0, 1) },
      outputs: past ? ['float32', 'float32'] : ['float32'],
      domain: 'com.microsoft',
    };
  },
};

export const attentions = { Attention: attention, RotaryEmbedding: rotaryEmbedding };
export const microsoftAttentions = {
  Attention: microsoftAttention,
  GroupQueryAttention: groupQueryAttention,
  MultiHeadAttention: multiHeadAttention,
  RotaryEmbedding: microsoftRotaryEmbedding,
};
