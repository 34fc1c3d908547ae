/** A hundred operators on a few numbers each: all that a run takes is what running takes beside arithmetic. */
import { encodeModel, GraphBuilder, tensor } from './onnx_builder.mjs';
import { normalTensor } from './layers.mjs';

export const width = 32;
const rounds = 20;

export function build() {
  const graph = new GraphBuilder('tiny_steps');
  const x = graph.input('x', 'float32', [1, width]);
  let y = x;
  for (let round = 0; round < rounds; ++round) {
    y = graph.within(`round.${round}`, () => {
      const w = graph.initializer('w', normalTensor(graph.random, [width, width], 0, 0.5));
      const product = graph.add('MatMul', [y, w]);
      const gate = graph.add('Softmax', [product], { axis: -1 });
      const turned = graph.add('Concat', [gate, x], { axis: 0 });
      const sum = graph.add('ReduceSum', [turned, graph.constant(tensor('int64', [1], [0]))]);
      return graph.add('Tanh', [sum]);
    });
  }
  graph.output(y, 'float32', [1, width]);
  return encodeModel(graph, { opset: 14 });
}
