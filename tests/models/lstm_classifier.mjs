/** A text classifier of two bidirectional LSTM layers with 256 units, batch first. Batch and length are dynamic. */
import { encodeModel, GraphBuilder, int64s, scalar, tensor } from './onnx_builder.mjs';
import { gemm, normalTensor, shapeOf, sizeOf } from './layers.mjs';

export const vocabulary = 10000;
const embedding = 128;
const hidden = 256;
const classes = 5;
const directions = 2;

/** Recurrent weights as PyTorch draws them: uniform within one over the root of the hidden size. */
function recurrentTensor(graph, name, dims) {
  const bound = 1 / Math.sqrt(hidden);
  const count = dims.reduce((product, dim) => product * dim, 1);
  const data = graph.random.uniforms(count, -bound, bound);
  return graph.initializer(name, tensor('float32', dims, data));
}

function bidirectionalLstm(graph, x, from, initial) {
  const w = recurrentTensor(graph, 'W', [directions, 4 * hidden, from]);
  const r = recurrentTensor(graph, 'R', [directions, 4 * hidden, hidden]);
  const b = recurrentTensor(graph, 'B', [directions, 8 * hidden]);
  const attributes = { direction: 'bidirectional', hidden_size: hidden };
  const [y] = graph.add('LSTM', [x, w, r, b, '', initial, initial], attributes, 3);
  const batchFirst = graph.add('Transpose', [y], { perm: [0, 2, 1, 3] });
  return graph.add('Reshape', [batchFirst, graph.constant(int64s(0, 0, -1))]);
}

export function build() {
  const graph = new GraphBuilder('lstm_classifier');
  const inputIds = graph.input('input_ids', 'int64', ['batch_size', 'sequence_length']);
  const words = graph.initializer(
    'embedding',
    normalTensor(graph.random, [vocabulary, embedding], 0, 1),
  );
  const embedded = graph.add('Gather', [words, inputIds]);
  const sequence = graph.add('Transpose', [embedded], { perm: [1, 0, 2] });
  const shape = shapeOf(graph, [directions, sizeOf(graph, inputIds, 0), hidden]);
  const zero = scalar('float32', 0);
  const initial = graph.add('Expand', [graph.constant(zero), shape]);
  let x = graph.within('lstm.0', () => bidirectionalLstm(graph, sequence, embedding, initial));
  x = graph.within('lstm.1', () => bidirectionalLstm(graph, x, directions * hidden, initial));
  const mean = graph.add('ReduceMean', [x], { axes: [0], keepdims: 0 });
  const logits = graph.within('fc', () =>
    gemm(graph, mean, {
      from: directions * hidden,
      to: classes,
      inputPower: 0.05,
      outputs: ['logits'],
    }),
  );
  graph.output(logits, 'float32', ['batch_size', classes]);
  return encodeModel(graph, { opset: 14 });
}
