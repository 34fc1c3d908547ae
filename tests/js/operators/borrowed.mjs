/** Cases of com.microsoft's forms of ONNX's operators, of embeddings in blocks, and of its LSTM. single_node.mjs says what a case is. */
import { float, scalar, tensor } from '../../models/onnx_builder.mjs';
import { portableReference } from '../portable_reference.mjs';
import { weightCodes } from './integer.mjs';
import { floats, integers, list, randomShape, uniforms } from './values.mjs';

const maybe = (random, make) => (random.boolean() ? make() : null);

const define = (make, count = 30) => ({
  opsets: [17],
  count,
  make: (random, opset, index) => ({ domain: 'com.microsoft', ...make(random, index) }),
});

const gatherND = define((random) => {
  const dims = randomShape(random, random.integer(1, 4));
  const depth = random.integer(1, dims.length);
  const places = randomShape(random, random.integer(0, 2), 3);
  const count = places.reduce((a, b) => a * b, 1);
  const indices = Array.from({ length: count }, () =>
    dims.slice(0, depth).map((size) => random.integer(0, size - 1)),
  );
  const type = random.pick(['int32', 'int64']);
  return { inputs: [floats(random, dims), tensor(type, [...places, depth], indices.flat())] };
});

const gridSample = define((random) => {
  const [batch, channels] = random.integers(2, 1, 3);
  // ONNX's reference clamps what lies outside of the border before it takes the cubic's neighbours, onnxruntime does not.
  const [mode, padding_mode] = random.pick([
    ['bilinear', 'border'],
    ['nearest', 'border'],
    ...['bilinear', 'nearest', 'bicubic'].flatMap((name) =>
      ['zeros', 'reflection'].map((padding) => [name, padding]),
    ),
  ]);
  return {
    inputs: [
      floats(random, [batch, channels, ...random.integers(2, 2, 5)]),
      uniforms(random, [batch, ...random.integers(2, 1, 5), 2], -1.2, 1.2),
    ],
    attributes: {
      mode,
      padding_mode,
      align_corners: random.integer(0, 1),
    },
  };
});

const pad = define((random) => {
  const dims = randomShape(random, random.integer(1, 4), 6).map((size) => size + 2);
  const mode = random.pick(['constant', 'edge', 'reflect']);
  return {
    inputs: [
      floats(random, dims),
      list(random.integers(2 * dims.length, 0, 2)),
      mode === 'constant' ? maybe(random, () => scalar('float32', random.normal())) : null,
    ],
    attributes: { mode },
  };
});

const range = define((random) => {
  const type = random.pick(['float32', 'int32', 'int64']);
  const delta = random.pick([1, 2, 3, -1]);
  const start = random.integer(-9, 9);
  const limit = start + Math.sign(delta) * random.integer(0, 12);
  return {
    inputs: [start, limit, delta].map((value) => scalar(type, value)),
    outputs: [type],
  };
});

const gatherBlockQuantized = define((random) => {
  const type = random.pick(['uint8', 'uint8', 'uint4', 'int4']);
  const bits = type === 'uint8' ? random.pick([2, 4, 8]) : 4;
  const [rows, blocks] = [random.integer(2, 9), random.integer(1, 4)];
  const block_size = random.pick([16, 32]);
  const codes = (columns) => {
    const width = type === 'uint8' ? Math.ceil((columns * bits) / 8) : columns;
    const bytes = type === 'uint8' ? rows * width : Math.ceil((rows * width) / 2);
    return tensor(type, [rows, width], random.integers(bytes, 0, 255));
  };
  return {
    inputs: [
      codes(blocks * block_size),
      integers(random, 'int64', randomShape(random, random.integer(1, 2)), 0, rows - 1),
      uniforms(random, [rows, blocks], 0.01, 0.1),
      maybe(random, () => codes(blocks)),
    ],
    constant: [true, false, true, true],
    attributes: { bits, block_size, gather_axis: 0, quantize_axis: 1 },
  };
}, 60);

const dynamicQuantizeLstm = define((random) => {
  const [steps, batch, width, hidden] = random.integers(4, 1, 6);
  const direction = random.pick(['forward', 'reverse', 'bidirectional']);
  const ways = direction === 'bidirectional' ? 2 : 1;
  const scaled = () => [
    uniforms(random, [ways], 0.005, 0.02),
    tensor('int8', [ways], Array(ways).fill(0)),
  ];
  const state = () => floats(random, [ways, batch, hidden], 0.5);
  return {
    inputs: [
      floats(random, [steps, batch, width], 1),
      weightCodes(random, 'int8', [ways, width, 4 * hidden]),
      weightCodes(random, 'int8', [ways, hidden, 4 * hidden]),
      maybe(random, () => floats(random, [ways, 8 * hidden], 0.5)),
      null,
      maybe(random, state),
      maybe(random, state),
      null,
      ...scaled(),
      ...scaled(),
    ],
    constant: [1, 2, 3, 8, 9, 10, 11].reduce((all, i) => all.with(i, true), Array(12).fill(false)),
    attributes: { hidden_size: hidden, direction },
    outputs: ['float32', 'float32', 'float32'],
  };
});

const transposeMatMul = define((random) => {
  const [m, n, k] = random.integers(3, 1, 12);
  const [transA, transB] = random.integers(2, 0, 1);
  return {
    inputs: [floats(random, transA ? [k, m] : [m, k]), floats(random, transB ? [n, k] : [k, n])],
    attributes: { transA, transB, alpha: float(random.uniform(0.2, 2)) },
  };
});

export const borrowed = {
  // onnxruntime-node 1.30 depends on the processor here: on one with AVX-VNNI it was up to 0.004 off from the second step on.
  DynamicQuantizeLSTM: { ...dynamicQuantizeLstm, library: portableReference },
  GatherBlockQuantized: gatherBlockQuantized,
  GatherND: gatherND,
  GridSample: gridSample,
  Pad: pad,
  Range: range,
  TransposeMatMul: transposeMatMul,
};
