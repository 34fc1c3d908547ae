/** A model that wants more memory than there can be: `values` tensors alive at once, each of 4 MiB for each row of its input. */
import { GraphBuilder, encodeModel, tensor } from './onnx_builder.mjs';

export function build(values) {
  const graph = new GraphBuilder('greedy');
  const x = graph.input('x', 'float32', ['rows', 1]);
  const width = graph.initializer('width', tensor('int64', [2], [1n, 2n ** 20n]));
  const wide = [graph.add('Expand', [x, width])];
  while (wide.length < values) wide.push(graph.add('Neg', [wide.at(-1)]));
  const sum = graph.add('Sum', wide);
  graph.output(graph.add('ReduceMax', [sum], { keepdims: 0 }, ['y']), 'float32', []);
  return encodeModel(graph, { opset: 13 });
}
