/**
 * An OPT-style transformer (Zhang et al. 2022) of 2 layers: normalisation in front of attention and of a ReLU network, written in
 * primitives. A few channels of what each normalisation yields are some 60 times as large as the others, in all tokens, as
 * SmoothQuant finds them in large language models (Xiao et al., arXiv 2211.10438, section 3); the gain of the normalisation
 * makes them (Wei et al., Outlier Suppression, arXiv 2209.13325, section 3.1). What reads these channels has weights as much
 * smaller, so that the results are those of a network without outliers.
 */
import { encodeModel, GraphBuilder } from './onnx_builder.mjs';
import { constantFloat, layerNorm, linear, viewLike } from './layers.mjs';

export const hidden = 128;
const heads = 4;
const headSize = hidden / heads;
const intermediate = 512;
const layerCount = 2;
const outlierCount = 4;
const outlierScale = 60;

/** Which channels stand out is up to the layer. */
function outlierScales(random) {
  const scales = new Float32Array(hidden).fill(1);
  for (let i = 0; i < outlierCount; ++i) scales[random.integer(0, hidden - 1)] = outlierScale;
  return scales;
}

function attention(graph, x, inputScales) {
  const project = (name) =>
    graph.within(name, () => linear(graph, x, { from: hidden, to: hidden, inputScales }));
  const split = (y, perm) =>
    graph.add('Transpose', [viewLike(graph, y, y, [heads, headSize])], { perm });
  const query = split(project('q_proj'), [0, 2, 1, 3]);
  const key = split(project('k_proj'), [0, 2, 3, 1]);
  const value = split(project('v_proj'), [0, 2, 1, 3]);
  const scores = graph.add('Div', [
    graph.add('MatMul', [query, key]),
    constantFloat(graph, Math.sqrt(headSize)),
  ]);
  const weights = graph.add('Softmax', [scores], { axis: -1 });
  const context = graph.add('Transpose', [graph.add('MatMul', [weights, value])], {
    perm: [0, 2, 1, 3],
  });
  const joined = viewLike(graph, context, context, [hidden]);
  return graph.within('out_proj', () => linear(graph, joined, { from: hidden, to: hidden }));
}

function layer(graph, x) {
  const attended = graph.within('self_attn', () => {
    const scales = outlierScales(graph.random);
    const normal = layerNorm(graph, x, hidden, 1e-5, scales);
    return graph.add('Add', [x, attention(graph, normal, scales)]);
  });
  return graph.within('mlp', () => {
    const inputScales = outlierScales(graph.random);
    const normal = layerNorm(graph, attended, hidden, 1e-5, inputScales);
    const inner = graph.within('fc1', () =>
      linear(graph, normal, { from: hidden, to: intermediate, inputScales }),
    );
    const active = graph.add('Relu', [inner]);
    const y = graph.within('fc2', () =>
      linear(graph, active, { from: intermediate, to: hidden, inputPower: 0.5 }),
    );
    return graph.add('Add', [attended, y]);
  });
}

export function build() {
  const graph = new GraphBuilder('outlier_encoder');
  const shape = ['batch_size', 'sequence_length', hidden];
  let x = graph.input('hidden_states', 'float32', shape);
  for (let i = 0; i < layerCount; ++i) x = graph.within(`layers.${i}`, () => layer(graph, x));
  const output = graph.add('Identity', [layerNorm(graph, x, hidden, 1e-5)], {}, [
    'last_hidden_state',
  ]);
  graph.output(output, 'float32', shape);
  return encodeModel(graph, { opset: 14 });
}
