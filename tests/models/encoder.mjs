/**
 * A BERT-style encoder of 6 layers (Devlin et al. 2018) with the sizes of the small sentence-embedding models that run in
 * browsers: hidden 384, 12 heads, 30,522 words. Batch and length are dynamic.
 */
import { encodeModel, GraphBuilder, int64s, tensor } from './onnx_builder.mjs';
import {
  constantFloat,
  gelu,
  layerNorm,
  linear,
  normalTensor,
  sizeOf,
  viewLike,
} from './layers.mjs';

const hidden = 384;
const heads = 12;
const headSize = hidden / heads;
const intermediate = 1536;
const layerCount = 6;
export const vocabulary = 30522;
const maxLength = 512;
/** What masked attention scores are lowered by: the smallest float, as transformers exports it. */
const lowest = -3.4028234663852886e38;

function table(graph, name, rows) {
  return graph.initializer(name, normalTensor(graph.random, [rows, hidden], 0, 0.05));
}

function embeddings(graph, inputIds, tokenTypeIds) {
  const words = graph.add('Gather', [table(graph, 'word_embeddings', vocabulary), inputIds]);
  const types = graph.add('Gather', [table(graph, 'token_type_embeddings', 2), tokenTypeIds]);
  const allPositions = Array.from({ length: maxLength }, (_, i) => i);
  const positionIds = graph.initializer(
    'position_ids',
    tensor('int64', [1, maxLength], allPositions),
  );
  const length = graph.add('Unsqueeze', [sizeOf(graph, inputIds, 1), graph.constant(int64s(0))]);
  const ids = graph.add('Slice', [
    positionIds,
    graph.constant(int64s(0)),
    length,
    graph.constant(int64s(1)),
    graph.constant(int64s(1)),
  ]);
  const positions = graph.add('Gather', [table(graph, 'position_embeddings', maxLength), ids]);
  const sum = graph.add('Add', [graph.add('Add', [words, types]), positions]);
  return layerNorm(graph, sum, hidden);
}

/** 0 where the mask is 1, the lowest float where it is 0; [batch, 1, 1, length]. */
function scoreMask(graph, attentionMask) {
  const rows = graph.add('Unsqueeze', [attentionMask, graph.constant(int64s(1))]);
  const mask = graph.add('Unsqueeze', [rows, graph.constant(int64s(2))]);
  const masked = graph.add('Sub', [constantFloat(graph, 1), graph.add('Cast', [mask], { to: 1 })]);
  return graph.add('Mul', [masked, constantFloat(graph, lowest)]);
}

function splitHeads(graph, x, perm) {
  return graph.add('Transpose', [viewLike(graph, x, x, [heads, headSize])], { perm });
}

function attention(graph, x, mask) {
  const project = (name) =>
    graph.within(name, () => linear(graph, x, { from: hidden, to: hidden }));
  const query = splitHeads(graph, project('query'), [0, 2, 1, 3]);
  const key = splitHeads(graph, project('key'), [0, 2, 3, 1]);
  const value = splitHeads(graph, project('value'), [0, 2, 1, 3]);
  const scores = graph.add('Div', [
    graph.add('MatMul', [query, key]),
    constantFloat(graph, Math.sqrt(headSize)),
  ]);
  const weights = graph.add('Softmax', [graph.add('Add', [scores, mask])], { axis: -1 });
  const context = graph.add('Transpose', [graph.add('MatMul', [weights, value])], {
    perm: [0, 2, 1, 3],
  });
  return viewLike(graph, context, context, [hidden]);
}

function layer(graph, x, mask) {
  const context = graph.within('attention', () => attention(graph, x, mask));
  const attended = graph.within('attention/output', () => {
    const y = linear(graph, context, { from: hidden, to: hidden });
    return layerNorm(graph, graph.add('Add', [y, x]), hidden);
  });
  const inner = graph.within('intermediate', () =>
    gelu(graph, linear(graph, attended, { from: hidden, to: intermediate })),
  );
  return graph.within('output', () => {
    const y = linear(graph, inner, { from: intermediate, to: hidden, inputPower: 0.4 });
    return layerNorm(graph, graph.add('Add', [y, attended]), hidden);
  });
}

export function build() {
  const graph = new GraphBuilder('encoder');
  const shape = ['batch_size', 'sequence_length'];
  const inputIds = graph.input('input_ids', 'int64', shape);
  const attentionMask = graph.input('attention_mask', 'int64', shape);
  const tokenTypeIds = graph.input('token_type_ids', 'int64', shape);
  const mask = scoreMask(graph, attentionMask);
  let x = graph.within('embeddings', () => embeddings(graph, inputIds, tokenTypeIds));
  for (let i = 0; i < layerCount; ++i) {
    x = graph.within(`encoder/layer.${i}`, () => layer(graph, x, mask));
  }
  const output = graph.add('Identity', [x], {}, ['last_hidden_state']);
  graph.output(output, 'float32', [...shape, hidden]);
  return encodeModel(graph, { opset: 14 });
}
