/** Cases of operators that move elements or make them. single_node.mjs says what a case is. */
import { float, scalar, tensor } from '../../models/onnx_builder.mjs';
import {
  anAxis,
  broadcastable,
  elementCount,
  floats,
  integers,
  list,
  numbers,
  randomShape,
  someAxes,
} from './values.mjs';

const anyType = (random) => random.pick(['float32', 'float32', 'int64', 'int32', 'uint8', 'bool']);

const concat = {
  opsets: [4, 11, 13],
  make(random) {
    const type = anyType(random);
    const dims = randomShape(random, random.integer(1, 4));
    const axis = random.integer(0, dims.length - 1);
    const parts = Array.from({ length: random.integer(1, 4) }, () =>
      numbers(random, type, dims.with(axis, random.integer(0, 4))),
    );
    const shown = random.boolean() ? axis : axis - dims.length;
    return { inputs: parts, attributes: { axis: shown }, outputs: [type] };
  },
};

/** Equal parts, or sizes as an attribute before operator set 13 and as an input from then on. */
const split = {
  opsets: [2, 11, 13, 18],
  make(random, opset) {
    const sizes = random.integers(random.integer(2, 4), 1, 4);
    const equal = random.boolean();
    if (equal) sizes.fill(sizes[0]);
    const dims = randomShape(random, 3);
    const axis = random.integer(0, 2);
    dims[axis] = sizes.reduce((sum, size) => sum + size, 0);
    const attributes = { axis: opset < 11 ? axis : axis - random.pick([0, 3]) };
    const inputs = [floats(random, dims)];
    if (equal && opset >= 18) attributes.num_outputs = sizes.length;
    else if (!equal && opset < 13) attributes.split = sizes;
    else if (!equal) inputs.push(list(sizes));
    return { inputs, attributes, outputs: sizes.map(() => 'float32') };
  },
};

/** One axis of a slice: either direction, bounds counted from either end or far outside. */
function sliceAxis(random, extent, forward) {
  const bound = () =>
    random.pick([random.integer(0, extent), -random.integer(1, extent), 100, -100]);
  const step = forward ? 1 : random.pick([1, 1, 2, 3, -1, -2]);
  return { start: bound(), end: bound(), step };
}

const slice = {
  opsets: [1, 10, 11, 13],
  count: 12,
  make(random, opset) {
    const type = opset < 10 ? 'float32' : anyType(random);
    const dims = randomShape(random, random.integer(1, 4), 6);
    const axes = someAxes(random, dims.length, random.integer(1, dims.length));
    const parts = axes.map((axis) => sliceAxis(random, dims.at(axis), opset < 10));
    const starts = parts.map(({ start }) => start);
    const ends = parts.map(({ end }) => end);
    const steps = parts.map(({ step }) => step);
    const x = numbers(random, type, dims);
    if (opset < 10) {
      const counted = axes.map((axis) => (axis < 0 ? axis + dims.length : axis));
      return { inputs: [x], attributes: { starts, ends, axes: counted } };
    }
    const indexType = random.pick(['int64', 'int32']);
    const whole = axes.map((axis) => (opset < 11 && axis < 0 ? axis + dims.length : axis));
    return {
      inputs: [x, ...[starts, ends, whole, steps].map((values) => list(values, indexType))],
      outputs: [type],
    };
  },
};

const gather = {
  opsets: [1, 11, 13],
  make(random, opset) {
    const type = anyType(random);
    const dims = randomShape(random, random.integer(1, 4));
    const axis = anAxis(random, dims.length);
    const extent = dims.at(axis);
    const indexDims = randomShape(random, random.integer(0, 2));
    const lowest = opset < 11 ? 0 : -extent;
    const indices = integers(
      random,
      random.pick(['int64', 'int32']),
      indexDims,
      lowest,
      extent - 1,
    );
    return {
      inputs: [numbers(random, type, dims), indices],
      attributes: { axis },
      outputs: [type],
    };
  },
};

/** A shape with as many elements; one extent may be left to be found, another to be copied. */
const reshape = {
  opsets: [5, 13, 14],
  make(random, opset) {
    const type = anyType(random);
    const dims = randomShape(random, random.integer(1, 4));
    const empty = opset >= 14 && random.uniform() < 0.2;
    if (empty) {
      const zero = numbers(random, type, [0, ...dims]);
      const shape = list([dims[0], 0, 7]);
      return { inputs: [zero, shape], attributes: { allowzero: 1 }, outputs: [type] };
    }
    const shape = random.pick([
      [elementCount(dims)],
      [-1, dims.at(-1)],
      [0, -1],
      [1, -1, dims[0]],
      [...dims, 1],
      [...dims].reverse(),
    ]);
    return { inputs: [numbers(random, type, dims), list(shape)], outputs: [type] };
  },
};

/** Axes as an attribute before operator set 13, as an input from then on. */
function withAxes(opset, x, axes, outputs) {
  return opset < 13
    ? { inputs: [x], attributes: axes && { axes }, outputs }
    : { inputs: axes ? [x, list(axes)] : [x], outputs };
}

const squeeze = {
  opsets: [1, 11, 13, 21],
  make(random, opset) {
    const type = anyType(random);
    const dims = randomShape(random, random.integer(2, 5)).map((dim) =>
      random.boolean() ? 1 : dim,
    );
    const ones = dims.flatMap((dim, axis) => (dim === 1 ? [axis] : []));
    const counted = ones.map((axis) =>
      opset >= 11 && random.boolean() ? axis - dims.length : axis,
    );
    const axes = counted.length === 0 || random.uniform() < 0.3 ? undefined : counted;
    return withAxes(opset, numbers(random, type, dims), axes, [type]);
  },
};

const unsqueeze = {
  opsets: [1, 11, 13, 21],
  make(random, opset) {
    const type = anyType(random);
    const dims = randomShape(random, random.integer(0, 3));
    const added = random.integer(1, 2);
    const axes = someAxes(random, dims.length + added, added);
    const rank = dims.length + added;
    const counted = opset < 11 ? axes.map((axis) => (axis + rank) % rank).sort() : axes;
    return withAxes(opset, numbers(random, type, dims), counted, [type]);
  },
};

const transpose = {
  opsets: [1, 13, 21],
  make(random) {
    const type = anyType(random);
    const dims = randomShape(random, random.integer(1, 5));
    const perm = random.shuffled(dims.keys());
    const attributes = random.uniform() < 0.2 ? {} : { perm };
    return { inputs: [numbers(random, type, dims)], attributes, outputs: [type] };
  },
};

const flatten = {
  opsets: [1, 9, 11, 13],
  make(random, opset) {
    const dims = randomShape(random, random.integer(1, 4));
    const lowest = opset < 11 ? 0 : -dims.length;
    return {
      inputs: [floats(random, dims)],
      attributes: random.uniform() < 0.2 ? {} : { axis: random.integer(lowest, dims.length) },
    };
  },
};

const expand = {
  opsets: [8, 13],
  make(random) {
    const type = anyType(random);
    const wanted = randomShape(random, random.integer(1, 4));
    const x = numbers(random, type, broadcastable(random, wanted));
    // Extents of 1 in the wanted shape leave those of x alone.
    const shape = wanted.map((dim, axis) => (axis > 0 && random.uniform() < 0.2 ? 1 : dim));
    return { inputs: [x, list(shape)], outputs: [type] };
  },
};

const tile = {
  opsets: [6, 13],
  make(random) {
    const type = random.pick(['float32', 'int64', 'uint8']);
    const dims = randomShape(random, random.integer(1, 4));
    const repeats = random.integers(dims.length, 0, 3).map((count) => count || 1);
    return { inputs: [numbers(random, type, dims), list(repeats)], outputs: [type] };
  },
};

/** Amounts as an attribute before operator set 11, as an input from then on, and for some axes from 18 on. */
const pad = {
  opsets: [2, 11, 13, 18, 19],
  count: 15,
  make(random, opset) {
    const modes =
      opset >= 19 ? ['constant', 'reflect', 'edge', 'wrap'] : ['constant', 'reflect', 'edge'];
    const mode = random.pick(modes);
    const dims = random.integers(random.integer(1, 4), 3, 6);
    const axes = opset >= 18 && random.boolean() ? someAxes(random, dims.length, 1) : undefined;
    const lowest = mode === 'constant' ? -1 : 0;
    const pads = random.integers(2 * (axes ?? dims).length, lowest, 2);
    const value = random.normal();
    const x = floats(random, dims);
    if (opset < 11) return { inputs: [x], attributes: { mode, pads, value: float(value) } };
    const filling = random.boolean() ? scalar('float32', value) : null;
    const inputs = [x, list(pads), filling, ...(axes ? [list(axes)] : [])];
    return { inputs, attributes: { mode } };
  },
};

const shape = {
  opsets: [1, 13, 15, 19],
  make(random, opset) {
    const dims = randomShape(random, random.integer(0, 5));
    const part = opset >= 15 && random.boolean();
    const attributes = part ? { start: random.integer(-2, 2), end: random.integer(-1, 4) } : {};
    return { inputs: [floats(random, dims)], attributes, outputs: ['int64'] };
  },
};

/** Constant has no input, so its forms are all there is to vary. */
const constantForms = [
  [1, { value: tensor('float32', [2, 3], [1, 2, 3, 4, 5, 6]) }, 'float32'],
  [9, { value: scalar('int64', -7) }, 'int64'],
  [11, { value: tensor('bool', [3], [1, 0, 1]) }, 'bool'],
  [12, { value_float: float(1.5) }, 'float32'],
  [12, { value_floats: [1.5, -2.5] }, 'float32'],
  [13, { value_int: 42 }, 'int64'],
  [13, { value_ints: [1, -2, 3] }, 'int64'],
  [19, { value: tensor('int8', [4], [-128, 127, 0, 5]) }, 'int8'],
];

const constant = {
  count: constantForms.length,
  opsetOf: (index) => constantForms[index][0],
  make(_random, _opset, index) {
    const [, attributes, type] = constantForms[index];
    return { inputs: [], attributes, outputs: [type] };
  },
};

const constantOfShape = {
  opsets: [9, 20],
  make(random) {
    const value = random.pick([
      undefined,
      tensor('float32', [1], [2.5]),
      tensor('int64', [1], [-3]),
      tensor('bool', [1], [1]),
    ]);
    return {
      inputs: [list(random.integers(random.integer(1, 4), 0, 4))],
      attributes: value && { value },
      outputs: [value?.type ?? 'float32'],
    };
  },
};

const range = {
  opsets: [11],
  make(random) {
    const type = random.pick(['int64', 'int32', 'float32']);
    const sign = random.pick([1, -1]);
    const [start, length, step] = [
      random.integer(-5, 5),
      random.integer(-2, 20),
      random.integer(1, 3),
    ];
    const values = [start, start + sign * length, sign * step];
    return { inputs: values.map((value) => scalar(type, value)), outputs: [type] };
  },
};

const cumSum = {
  opsets: [11, 14],
  make(random) {
    const type = random.pick(['float32', 'int64', 'int32']);
    const dims = randomShape(random, random.integer(1, 4));
    return {
      inputs: [
        numbers(random, type, dims),
        scalar(random.pick(['int64', 'int32']), anAxis(random, dims.length)),
      ],
      attributes: { exclusive: random.integer(0, 1), reverse: random.integer(0, 1) },
      outputs: [type],
    };
  },
};

const trilu = {
  opsets: [14],
  make(random) {
    const type = random.pick(['float32', 'int64', 'bool']);
    const dims = randomShape(random, random.integer(2, 4));
    const diagonal = random.boolean() ? scalar('int64', random.integer(-4, 4)) : null;
    return {
      inputs: [numbers(random, type, dims), diagonal],
      attributes: { upper: random.integer(0, 1) },
      outputs: [type],
    };
  },
};

/** The forms that nets use; each needs other inputs. */
const resizeModes = [
  { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' },
  {
    mode: 'nearest',
    coordinate_transformation_mode: 'half_pixel',
    nearest_mode: 'round_prefer_floor',
  },
  {
    mode: 'nearest',
    coordinate_transformation_mode: 'half_pixel',
    nearest_mode: 'round_prefer_ceil',
  },
  { mode: 'nearest', coordinate_transformation_mode: 'align_corners', nearest_mode: 'ceil' },
  { mode: 'linear', coordinate_transformation_mode: 'half_pixel' },
  { mode: 'linear', coordinate_transformation_mode: 'pytorch_half_pixel' },
  { mode: 'linear', coordinate_transformation_mode: 'align_corners' },
  { mode: 'linear', coordinate_transformation_mode: 'asymmetric' },
];

const resize = {
  opsets: [10, 11, 13, 18],
  count: 2 * resizeModes.length * 4,
  make(random, opset, index) {
    const attributes = resizeModes[Math.floor(index / 4) % resizeModes.length];
    const dims = [1, random.integer(1, 3), ...random.integers(2, 2, 6)];
    const x = floats(random, dims);
    if (opset === 10) {
      // Its coordinates are always asymmetric, its nearest neighbour the floor.
      const scales = [1, 1, random.integer(1, 3), random.integer(1, 3)];
      return {
        inputs: [x, tensor('float32', [4], scales)],
        attributes: { mode: attributes.mode },
      };
    }
    const noRegion = opset < 13 ? tensor('float32', [0], []) : null;
    if (random.boolean()) {
      const sizes = [dims[0], dims[1], ...random.integers(2, 2, 12)];
      const noScales = opset < 13 ? tensor('float32', [0], []) : null;
      return { inputs: [x, noRegion, noScales, list(sizes)], attributes };
    }
    // Where a scale gives a length with a fraction, onnxruntime aligns other corners than ONNX's own tests.
    const isAligned = attributes.coordinate_transformation_mode === 'align_corners';
    const fractions = isAligned ? [1, 2, 3] : [0.5, 1.5, 2, 2.5, 3];
    const scales = [1, 1, random.pick(fractions), random.pick(fractions)];
    return { inputs: [x, noRegion, tensor('float32', [4], scales)], attributes };
  },
};

export const arrays = {
  Concat: concat,
  Split: split,
  Slice: slice,
  Gather: gather,
  Reshape: reshape,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Transpose: transpose,
  Flatten: flatten,
  Expand: expand,
  Tile: tile,
  Pad: pad,
  Shape: shape,
  Size: { ...shape, opsets: [1, 13], make: (random) => shape.make(random, 1) },
  Constant: constant,
  ConstantOfShape: constantOfShape,
  Range: range,
  CumSum: cumSum,
  Trilu: trilu,
  Resize: resize,
};
