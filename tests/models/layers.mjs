/**
 * The layers that test models share, written as PyTorch's exporter writes them: normalisation and activations in
 * primitives, shapes computed in the graph, small constants as Constant nodes.
 *
 * Random weights keep the scale of what flows through them: a layer divides by the root of its fan-in times `inputPower`, the
 * mean square of its input (1 for normalised values, about one half behind a ReLU). Output channels differ in scale as
 * those of trained nets do, which is what per-channel quantization is about.
 */
import { float, int64s, scalar, tensor } from './onnx_builder.mjs';

const channelSpread = 0.4;

const elementCount = (dims) => dims.reduce((count, dim) => count * dim, 1);

/** Log-normal scales whose mean square is one. */
function channelScales(random, channels) {
  return random
    .normals(channels)
    .map((value) => Math.exp(channelSpread * value - channelSpread * channelSpread));
}

/** Weights of shape [channels, …rest] with one scale per channel. */
function channelWeights(random, dims, scales, inputPower) {
  const fanIn = elementCount(dims.slice(1));
  const gain = 1 / Math.sqrt(fanIn * inputPower);
  const data = new Float32Array(dims[0] * fanIn);
  for (let i = 0; i < data.length; ++i) {
    data[i] = gain * scales[Math.floor(i / fanIn)] * random.normal();
  }
  return tensor('float32', dims, data);
}

/** Weights of shape [inputs, outputs], as MatMul takes them; input j is `inputScales[j]` times as large as others. */
function matrixWeights(random, inputs, outputs, inputPower, inputScales) {
  const scales = channelScales(random, outputs);
  const gain = 1 / Math.sqrt(inputs * inputPower);
  const data = new Float32Array(inputs * outputs);
  for (let i = 0; i < data.length; ++i) {
    const divisor = inputScales ? inputScales[Math.floor(i / outputs)] : 1;
    data[i] = (gain / divisor) * scales[i % outputs] * random.normal();
  }
  return tensor('float32', [inputs, outputs], data);
}

export const normalTensor = (random, dims, mean, deviation) =>
  tensor('float32', dims, random.normals(elementCount(dims), mean, deviation));

export const constantFloat = (graph, value) => graph.constant(scalar('float32', value));

/** Convolution with a square kernel; `bias` leaves room for a batch normalisation when false. */
export function conv(
  graph,
  x,
  { from, to, kernel = 1, stride = 1, groups = 1, bias = true, inputPower = 1, scales },
) {
  const { random } = graph;
  const padding = (kernel - 1) / 2;
  const dims = [to, from / groups, kernel, kernel];
  const weights = channelWeights(random, dims, scales ?? channelScales(random, to), inputPower);
  const inputs = [x, graph.initializer('weight', weights)];
  if (bias) inputs.push(graph.initializer('bias', normalTensor(random, [to], 0, 0.3)));
  return graph.add('Conv', inputs, {
    dilations: [1, 1],
    group: groups,
    kernel_shape: [kernel, kernel],
    pads: [padding, padding, padding, padding],
    strides: [stride, stride],
  });
}

/** Convolution without bias and its batch normalisation, whose statistics are those of the convolution's output. */
export function convBatchNorm(graph, x, { gain = 1, ...options }) {
  const { random } = graph;
  const { to } = options;
  const scales = channelScales(random, to);
  const y = conv(graph, x, { ...options, bias: false, scales });
  const parameters = {
    gamma: random.uniforms(to, 0.5, 1.5).map((value) => gain * value),
    beta: random.normals(to, 0, 0.3),
    running_mean: random.normals(to, 0, 0.3).map((value, i) => value * scales[i]),
    running_var: random.uniforms(to, 0.6, 1.6).map((value, i) => value * scales[i] * scales[i]),
  };
  const names = Object.entries(parameters).map(([name, data]) =>
    graph.initializer(name, tensor('float32', [to], data)),
  );
  return graph.add('BatchNormalization', [y, ...names], { epsilon: 1e-5, momentum: 0.9 });
}

/** nn.Linear on two dimensions. */
export function gemm(graph, x, { from, to, inputPower = 1, outputs }) {
  const { random } = graph;
  const weights = channelWeights(random, [to, from], channelScales(random, to), inputPower);
  const bias = normalTensor(random, [to], 0, 0.1);
  return graph.add(
    'Gemm',
    [x, graph.initializer('weight', weights), graph.initializer('bias', bias)],
    { alpha: float(1), beta: float(1), transB: 1 },
    outputs,
  );
}

/** nn.Linear on more dimensions. */
export function linear(graph, x, { from, to, inputPower = 1, inputScales }) {
  const { random } = graph;
  const matrix = matrixWeights(random, from, to, inputPower, inputScales);
  const weights = graph.initializer('weight', matrix);
  const bias = graph.initializer('bias', normalTensor(random, [to], 0, 0.1));
  return graph.add('Add', [bias, graph.add('MatMul', [x, weights])]);
}

/** nn.LayerNorm over the last dimension; `scales` multiply what it yields. */
export function layerNorm(graph, x, size, epsilon = 1e-12, scales = undefined) {
  const { random } = graph;
  const mean = graph.add('ReduceMean', [x], { axes: [-1], keepdims: 1 });
  const centred = graph.add('Sub', [x, mean]);
  const square = graph.add('Pow', [centred, constantFloat(graph, 2)]);
  const variance = graph.add('ReduceMean', [square], { axes: [-1], keepdims: 1 });
  const shifted = graph.add('Add', [variance, constantFloat(graph, epsilon)]);
  const normal = graph.add('Div', [centred, graph.add('Sqrt', [shifted])]);
  const scaledTensor = (values) =>
    tensor('float32', [size], scales ? values.map((value, i) => value * scales[i]) : values);
  const gamma = scaledTensor(random.uniforms(size, 0.5, 1.5));
  const scaled = graph.add('Mul', [normal, graph.initializer('weight', gamma)]);
  const beta = scaledTensor(random.normals(size, 0, 0.1));
  return graph.add('Add', [scaled, graph.initializer('bias', beta)]);
}

/** nn.GELU, exact. */
export function gelu(graph, x) {
  const scaled = graph.add('Div', [x, constantFloat(graph, Math.SQRT2)]);
  const shifted = graph.add('Add', [graph.add('Erf', [scaled]), constantFloat(graph, 1)]);
  return graph.add('Mul', [graph.add('Mul', [x, shifted]), constantFloat(graph, 0.5)]);
}

/** GELU through tanh, as GPT-2 has it. */
export function geluTanh(graph, x) {
  const half = graph.add('Mul', [x, constantFloat(graph, 0.5)]);
  const cube = graph.add('Pow', [x, constantFloat(graph, 3)]);
  const term = graph.add('Mul', [cube, constantFloat(graph, 0.044715)]);
  const sum = graph.add('Add', [x, term]);
  const scaled = graph.add('Mul', [sum, constantFloat(graph, Math.sqrt(2 / Math.PI))]);
  const shifted = graph.add('Add', [graph.add('Tanh', [scaled]), constantFloat(graph, 1)]);
  return graph.add('Mul', [half, shifted]);
}

/** x.size(axis) as the exporter traces it: a scalar. */
export function sizeOf(graph, x, axis) {
  const shape = graph.add('Shape', [x]);
  return graph.add('Gather', [shape, graph.constant(scalar('int64', axis))], { axis: 0 });
}

/** A shape of numbers and of scalars computed in the graph. */
export function shapeOf(graph, extents) {
  const axes = () => graph.constant(int64s(0));
  const parts = extents.map((extent) =>
    typeof extent === 'number'
      ? graph.constant(int64s(extent))
      : graph.add('Unsqueeze', [extent, axes()]),
  );
  return graph.add('Concat', parts, { axis: 0 });
}

/** x.view(batch, length, …rest), with the first two extents those of `like`. */
export function viewLike(graph, x, like, rest) {
  const shape = shapeOf(graph, [sizeOf(graph, like, 0), sizeOf(graph, like, 1), ...rest]);
  return graph.add('Reshape', [x, shape]);
}
