/**
 * One step of a GPT-2-style decoder (Radford et al. 2019) with a key-value cache: 6 layers, hidden 768, 12 heads. The length
 * of the past is dynamic. The head shares its weights with the embedding, through a Transpose.
 */
import { encodeModel, float, GraphBuilder, int64s, tensor } from './onnx_builder.mjs';
import { constantFloat, geluTanh, layerNorm, normalTensor, sizeOf, viewLike } from './layers.mjs';

export const hidden = 768;
export const heads = 12;
export const headSize = hidden / heads;
export const layerCount = 6;
export const vocabulary = 16384;
const maxLength = 1024;
const lowest = -3.4028234663852886e38;

/** GPT-2's Conv1D: a Gemm on the flattened input. */
function conv1d(graph, x, { from, to, inputPower = 1 }) {
  const deviation = 1 / Math.sqrt(from * inputPower);
  const weight = graph.initializer('weight', normalTensor(graph.random, [from, to], 0, deviation));
  const bias = graph.initializer('bias', normalTensor(graph.random, [to], 0, 0.1));
  const rows = graph.add('Reshape', [x, graph.constant(int64s(-1, from))]);
  const y = graph.add('Gemm', [rows, weight, bias], { alpha: float(1), beta: float(1) });
  return viewLike(graph, y, x, [to]);
}

function splitHeads(graph, x) {
  const split = viewLike(graph, x, x, [heads, headSize]);
  return graph.add('Transpose', [split], { perm: [0, 2, 1, 3] });
}

/** The lower triangle of attention, cut out of a constant: the rows from `past` on. */
function causalMask(graph, past, total) {
  const data = new Uint8Array(maxLength * maxLength);
  for (let row = 0; row < maxLength; ++row)
    data.fill(1, row * maxLength, row * maxLength + row + 1);
  const bias = graph.initializer('causal', tensor('bool', [1, 1, maxLength, maxLength], data));
  const slice = (x, axis, from, to) =>
    graph.add('Slice', [x, from, to, graph.constant(int64s(axis)), graph.constant(int64s(1))]);
  const end = graph.add('Unsqueeze', [total, graph.constant(int64s(0))]);
  const start = graph.add('Unsqueeze', [past, graph.constant(int64s(0))]);
  return slice(slice(bias, 2, start, end), 3, graph.constant(int64s(0)), end);
}

function attention(graph, x, cache, { causal, padding }) {
  const projected = graph.within('c_attn', () =>
    conv1d(graph, x, { from: hidden, to: 3 * hidden }),
  );
  const sizes = graph.constant(int64s(hidden, hidden, hidden));
  const [query, newKey, newValue] = graph
    .add('Split', [projected, sizes], { axis: 2 }, 3)
    .map((part) => splitHeads(graph, part));
  const key = graph.add('Concat', [cache.key, newKey], { axis: -2 }, [cache.presentKey]);
  const value = graph.add('Concat', [cache.value, newValue], { axis: -2 }, [cache.presentValue]);
  const transposed = graph.add('Transpose', [key], { perm: [0, 1, 3, 2] });
  const scores = graph.add('Div', [
    graph.add('MatMul', [query, transposed]),
    constantFloat(graph, Math.sqrt(headSize)),
  ]);
  const seen = graph.add('Where', [causal, scores, constantFloat(graph, lowest)]);
  const weights = graph.add('Softmax', [graph.add('Add', [seen, padding])], { axis: -1 });
  const context = graph.add('Transpose', [graph.add('MatMul', [weights, value])], {
    perm: [0, 2, 1, 3],
  });
  const merged = viewLike(graph, context, context, [hidden]);
  return graph.within('c_proj', () => conv1d(graph, merged, { from: hidden, to: hidden }));
}

function block(graph, x, cache, masks) {
  const normal = graph.within('ln_1', () => layerNorm(graph, x, hidden, 1e-5));
  const attended = graph.within('attn', () => attention(graph, normal, cache, masks));
  const y = graph.add('Add', [attended, x]);
  const inner = graph.within('ln_2', () => layerNorm(graph, y, hidden, 1e-5));
  const expanded = graph.within('mlp/c_fc', () =>
    conv1d(graph, inner, { from: hidden, to: 4 * hidden }),
  );
  const active = graph.within('mlp/act', () => geluTanh(graph, expanded));
  const reduced = graph.within('mlp/c_proj', () =>
    conv1d(graph, active, { from: 4 * hidden, to: hidden, inputPower: 0.4 }),
  );
  return graph.add('Add', [y, reduced]);
}

/** The names of one layer's cache; its inputs are declared here, its outputs where they are computed. */
function declareCache(graph, layer) {
  const past = ['batch_size', heads, 'past_sequence_length', headSize];
  return {
    key: graph.input(`past_key_values.${layer}.key`, 'float32', past),
    value: graph.input(`past_key_values.${layer}.value`, 'float32', past),
    presentKey: `present.${layer}.key`,
    presentValue: `present.${layer}.value`,
  };
}

export function build() {
  const graph = new GraphBuilder('decoder');
  const inputIds = graph.input('input_ids', 'int64', ['batch_size', 'sequence_length']);
  const totalShape = ['batch_size', 'total_sequence_length'];
  const attentionMask = graph.input('attention_mask', 'int64', totalShape);
  const positionIds = graph.input('position_ids', 'int64', ['batch_size', 'sequence_length']);
  const caches = Array.from({ length: layerCount }, (_, i) => declareCache(graph, i));

  const deviation = 1 / Math.sqrt(hidden);
  const wte = graph.initializer(
    'wte',
    normalTensor(graph.random, [vocabulary, hidden], 0, deviation),
  );
  const wpe = graph.initializer('wpe', normalTensor(graph.random, [maxLength, hidden], 0, 0.02));
  let x = graph.add('Add', [
    graph.add('Gather', [wte, inputIds]),
    graph.add('Gather', [wpe, positionIds]),
  ]);

  const past = sizeOf(graph, caches[0].key, 2);
  const total = graph.add('Add', [past, sizeOf(graph, inputIds, 1)]);
  const rows = graph.add('Unsqueeze', [attentionMask, graph.constant(int64s(1, 2))]);
  const unmasked = graph.add('Cast', [rows], { to: 1 });
  const masked = graph.add('Sub', [constantFloat(graph, 1), unmasked]);
  const masks = {
    causal: causalMask(graph, past, total),
    padding: graph.add('Mul', [masked, constantFloat(graph, lowest)]),
  };
  caches.forEach((cache, i) => {
    x = graph.within(`h.${i}`, () => block(graph, x, cache, masks));
  });
  const final = graph.within('ln_f', () => layerNorm(graph, x, hidden, 1e-5));
  const head = graph.add('Transpose', [wte], { perm: [1, 0] });
  graph.add('MatMul', [final, head], {}, ['logits']);
  graph.output('logits', 'float32', ['batch_size', 'sequence_length', vocabulary]);
  for (const { presentKey, presentValue } of caches) {
    for (const name of [presentKey, presentValue]) {
      graph.output(name, 'float32', ['batch_size', heads, 'total_sequence_length', headSize]);
    }
  }
  return encodeModel(graph, { opset: 13 });
}
