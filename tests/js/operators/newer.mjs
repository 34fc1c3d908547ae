/** Cases of operators that the packaged backend tests lack or are older than. single_node.mjs says what a case is. */
import { float, scalar } from '../../models/onnx_builder.mjs';
import {
  elementCount,
  floats,
  integers,
  list,
  randomShape,
  someAxes,
  uniforms,
} from './values.mjs';

const define = (opset, make) => ({ opsets: [opset], count: 12, make: (random) => make(random) });

const image = (random) => [...random.integers(2, 1, 3), ...random.integers(2, 4, 7)];

export const newer = {
  AffineGrid: define(20, (random) => {
    const batch = random.integer(1, 2);
    const size = [batch, random.integer(1, 3), ...random.integers(2, 2, 5)];
    return {
      inputs: [floats(random, [batch, 2, 3], 1), list(size)],
      attributes: { align_corners: random.integer(0, 1) },
    };
  }),
  Col2Im: define(18, (random) => {
    const [batch, channels] = random.integers(2, 1, 3);
    const size = random.integers(2, 4, 6);
    const block = random.integers(2, 1, 3);
    const blocks = size.map((length, i) => length - block[i] + 1);
    return {
      inputs: [
        floats(random, [batch, channels * elementCount(block), elementCount(blocks)]),
        list(size),
        list(block),
      ],
      attributes: { dilations: [1, 1], pads: [0, 0, 0, 0], strides: [1, 1] },
    };
  }),
  DeformConv: define(19, (random) => {
    const [channels, filters] = random.integers(2, 1, 4);
    const [height, width] = random.integers(2, 4, 6);
    return {
      inputs: [
        floats(random, [1, channels, height, width], 1),
        floats(random, [filters, channels, 3, 3], 1),
        uniforms(random, [1, 18, height, width], -1, 1),
      ],
      attributes: { kernel_shape: [3, 3], pads: [1, 1, 1, 1], group: 1, offset_group: 1 },
    };
  }),
  GlobalLpPool: define(18, (random) => ({
    inputs: [floats(random, image(random))],
    attributes: { p: random.integer(1, 3) },
  })),
  GroupNormalization: define(21, (random) => {
    const num_groups = random.integer(1, 3);
    const channels = num_groups * random.integer(1, 3);
    return {
      inputs: [
        floats(random, [random.integer(1, 2), channels, ...random.integers(2, 2, 5)]),
        floats(random, [channels]),
        floats(random, [channels]),
      ],
      attributes: { num_groups, epsilon: float(1e-3) },
    };
  }),
  LpPool: define(18, (random) => ({
    inputs: [floats(random, image(random))],
    attributes: {
      p: random.integer(1, 3),
      kernel_shape: random.integers(2, 1, 3),
      strides: random.integers(2, 1, 2),
    },
  })),
  MaxRoiPool: define(17, (random) => {
    const rois = Array.from({ length: random.integer(1, 3) }, () => [
      0,
      ...random.integers(2, 0, 2),
      ...random.integers(2, 3, 5),
    ]);
    return {
      inputs: [
        floats(random, [1, random.integer(1, 3), 6, 6]),
        { ...floats(random, [rois.length, 5]), data: Float32Array.from(rois.flat()) },
      ],
      constant: [false, false],
      attributes: { pooled_shape: random.integers(2, 1, 3), spatial_scale: float(1) },
    };
  }),
  RMSNormalization: define(23, (random) => {
    const dims = randomShape(random, 3);
    const axis = random.integer(0, 2);
    return {
      inputs: [floats(random, dims), floats(random, dims.slice(axis))],
      attributes: { axis, epsilon: float(1e-3) },
    };
  }),
  Swish: define(24, (random) => ({
    inputs: [floats(random, randomShape(random, 3))],
    attributes: { alpha: float(random.uniform(0.5, 2)) },
  })),
};

/** What onnxruntime lacks, or draws at random: for tests of errors. */
export const withoutReference = {
  BitCast: define(26, (random) => ({
    inputs: [floats(random, randomShape(random, 3))],
    attributes: { to: 6 },
    outputs: ['int32'],
  })),
  CenterCropPad: define(18, (random) => {
    const axes = someAxes(random, 3, random.integer(1, 3));
    return {
      inputs: [floats(random, randomShape(random, 3)), list(random.integers(axes.length, 1, 6))],
      attributes: { axes },
    };
  }),
  CumProd: define(26, (random) => ({
    inputs: [floats(random, randomShape(random, 3)), scalar('int64', random.integer(0, 2))],
    attributes: { exclusive: random.integer(0, 1), reverse: random.integer(0, 1) },
  })),
  MelWeightMatrix: define(17, () => ({
    inputs: [8, 16, 8192]
      .map((value) => scalar('int64', value))
      .concat([0, 4096].map((value) => scalar('float32', value))),
    attributes: { output_datatype: 1 },
  })),
  Multinomial: define(17, (random) => ({
    inputs: [floats(random, [2, 4])],
    attributes: { sample_size: 3, seed: float(1), dtype: 6 },
    outputs: ['int32'],
  })),
  RandomNormal: define(17, () => ({
    inputs: [],
    attributes: { shape: [2, 3], mean: float(1), scale: float(2), seed: float(1), dtype: 1 },
  })),
  RandomUniform: define(17, () => ({
    inputs: [],
    attributes: { shape: [2, 3], low: float(1), high: float(2), seed: float(1), dtype: 1 },
  })),
  RandomNormalLike: define(17, (random) => ({ inputs: [floats(random, [2, 3])] })),
  RandomUniformLike: define(17, (random) => ({ inputs: [floats(random, [2, 3])] })),
  SwiGLU: define(17, (random) => {
    const dims = randomShape(random, 2);
    return {
      inputs: [floats(random, dims), floats(random, dims)],
      attributes: { alpha: float(1) },
    };
  }),
  TensorScatter: define(24, (random) => ({
    inputs: [
      floats(random, [2, 4, 3]),
      floats(random, [2, 1, 3]),
      integers(random, 'int64', [2], 0, 3),
    ],
    attributes: { axis: 1, mode: random.pick(['linear', 'circular']) },
  })),
};
