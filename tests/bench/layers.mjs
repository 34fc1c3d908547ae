/** Models of one layer, in float and with quantized input, weights and output: what the kernels reach inside of a session. */
import { encodeModel, GraphBuilder, scalar, tensor } from '../models/onnx_builder.mjs';
import { Random } from '../models/random.mjs';
import { openSession, sides } from './contenders.mjs';
import { measureInterleaved } from './measure.mjs';

const elementCount = (dims) => dims.reduce((count, dim) => count * dim, 1);

const floats = (random, dims) => tensor('float32', dims, random.normals(elementCount(dims), 0, 1));

function bytes(random, type, dims) {
  const [array, low] = type === 'uint8' ? [Uint8Array, 0] : [Int8Array, -128];
  const values = array.from({ length: elementCount(dims) }, () => low + random.integer(0, 255));
  return tensor(type, dims, values);
}

/** A layer with constant weights: `make(graph, random)` adds it between `x` and `y`. */
function layerModel({ input, output, make }) {
  const random = new Random('layer');
  const graph = new GraphBuilder('layer');
  const x =
    input.type === 'float32' ? floats(random, input.dims) : bytes(random, input.type, input.dims);
  make(graph, random, graph.input('x', x.type, x.dims));
  graph.output('y', output);
  return { model: encodeModel(graph, { domains: { 'com.microsoft': 1 } }), feeds: { x } };
}

const constant = (graph, name, value) => graph.initializer(name, value);

/** Scale and zero point of an activation. */
const quantization = (graph, name, scale, type = 'uint8') => [
  constant(graph, `${name}_scale`, scalar('float32', scale)),
  constant(graph, `${name}_zero_point`, scalar(type, 128)),
];

/** Weights in int8 with a scale per output channel. */
function quantizedWeights(graph, random, dims, channels) {
  const scales = Float32Array.from({ length: channels }, () => 0.01 + 0.01 * random.uniform());
  return [
    constant(graph, 'w', bytes(random, 'int8', dims)),
    constant(graph, 'w_scale', tensor('float32', [channels], scales)),
    constant(graph, 'w_zero_point', tensor('int8', [channels], new Int8Array(channels))),
  ];
}

function matrix(rows, depth, columns) {
  const dims = [depth, columns];
  return {
    macs: rows * depth * columns,
    float: {
      input: { type: 'float32', dims: [rows, depth] },
      output: 'float32',
      make: (graph, random, x) =>
        graph.add('MatMul', [x, constant(graph, 'w', floats(random, dims))], {}, ['y']),
    },
    int8: {
      input: { type: 'uint8', dims: [rows, depth] },
      output: 'uint8',
      make: (graph, random, x) =>
        graph.add(
          'QLinearMatMul',
          [
            ...[x, ...quantization(graph, 'x', 0.02)],
            ...quantizedWeights(graph, random, dims, columns),
            ...quantization(graph, 'y', 2),
          ],
          {},
          ['y'],
        ),
    },
  };
}

/** Weights of 4 bits with a scale per block, activations rounded to 8 bits. */
function blockMatrix(rows, depth, columns) {
  const block = 32;
  const blocks = depth / block;
  const attributes = { K: depth, N: columns, bits: 4, block_size: block, accuracy_level: 4 };
  return {
    input: { type: 'float32', dims: [rows, depth] },
    output: 'float32',
    make: (graph, random, x) => {
      const codes = bytes(random, 'uint8', [columns, blocks, block / 2]);
      const scales = tensor('float32', [columns * blocks], random.uniforms(columns * blocks));
      const inputs = [x, constant(graph, 'w', codes), constant(graph, 'w_scale', scales)];
      graph.add('MatMulNBits', inputs, attributes, ['y'], 'com.microsoft');
    },
  };
}

function convolution({ from, to, kernel, size, groups = 1, stride = 1 }) {
  const dims = [to, from / groups, kernel, kernel];
  const margin = (kernel - 1) / 2;
  const attributes = {
    kernel_shape: [kernel, kernel],
    strides: [stride, stride],
    pads: [margin, margin, margin, margin],
    group: groups,
  };
  const image = [1, from, size, size];
  return {
    macs: (elementCount(dims) * size * size) / (stride * stride),
    float: {
      input: { type: 'float32', dims: image },
      output: 'float32',
      make: (graph, random, x) =>
        graph.add('Conv', [x, constant(graph, 'w', floats(random, dims))], attributes, ['y']),
    },
    int8: {
      input: { type: 'uint8', dims: image },
      output: 'uint8',
      make: (graph, random, x) =>
        graph.add(
          'QLinearConv',
          [
            ...[x, ...quantization(graph, 'x', 0.02)],
            ...quantizedWeights(graph, random, dims, to),
            ...quantization(graph, 'y', 2),
          ],
          attributes,
          ['y'],
        ),
    },
  };
}

const layers = {
  'matrix 256×768×768': matrix(256, 768, 768),
  'vector × 1024×4096': { ...matrix(1, 1024, 4096), int4: blockMatrix(1, 1024, 4096) },
  '3×3, 128→128, 28×28': convolution({ from: 128, to: 128, kernel: 3, size: 28 }),
  '3×3, 16→16, 56×56': convolution({ from: 16, to: 16, kernel: 3, size: 56 }),
  '1×1, 256→256, 14×14': convolution({ from: 256, to: 256, kernel: 1, size: 14 }),
  '3×3, 3→32, 224×224, stride 2': convolution({ from: 3, to: 32, kernel: 3, size: 224, stride: 2 }),
  'depthwise 3×3, 144, 56×56': convolution({
    from: 144,
    to: 144,
    kernel: 3,
    size: 56,
    groups: 144,
  }),
  'depthwise 5×5, 144, 56×56': convolution({
    from: 144,
    to: 144,
    kernel: 5,
    size: 56,
    groups: 144,
  }),
};

/** Median milliseconds of a layer in both libraries, `{ octet, ort }`. */
async function measureLayer(description, seconds) {
  const { model, feeds } = layerModel(description);
  const open = {};
  for (const side of sides) open[side] = await openSession(side, model, feeds);
  const runs = Object.fromEntries(Object.entries(open).map(([side, { run }]) => [side, run]));
  const medianMs = await measureInterleaved(runs, seconds);
  for (const { release } of Object.values(open)) await release();
  return medianMs;
}

/**
 * Measures every layer whose name contains one of `filters`, if there are any, in each precision, `seconds` each, and shows
 * each result `{ name, precision, macs, medianMs }` as it comes.
 */
export async function measureLayers(filters, seconds, show) {
  const results = [];
  for (const [name, { macs, ...precisions }] of Object.entries(layers)) {
    if (filters.length > 0 && !filters.some((filter) => name.includes(filter))) continue;
    for (const [precision, description] of Object.entries(precisions)) {
      const medianMs = await measureLayer(description, seconds);
      results.push({ name, precision, macs, medianMs });
      show(results.at(-1));
    }
  }
  return results;
}
