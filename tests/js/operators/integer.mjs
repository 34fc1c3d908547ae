/** Cases of operators on quantized numbers. single_node.mjs says what a case is. */
import { scalar, tensor } from '../../models/onnx_builder.mjs';
import { floats, integers, randomShape, uniforms } from './values.mjs';

const byteTypes = ['uint8', 'int8'];
const ranges = {
  uint8: [0, 255],
  int8: [-128, 127],
  uint16: [0, 65535],
  int16: [-32768, 32767],
};

export const codes = (random, type, dims) => integers(random, type, dims, ...ranges[type]);

/**
 * Weights. Those of int8 keep to 7 bits: on processors without VNNI, onnxruntime adds two products of u8 and s8 in 16 bits
 * and saturates, so beyond that it is no reference.
 */
export const weightCodes = (random, type, dims) =>
  type === 'int8' ? integers(random, type, dims, -64, 63) : codes(random, type, dims);

/** The types of an activation and of weights that onnxruntime has kernels for. */
function operandTypes(random) {
  const activation = random.pick(byteTypes);
  return [activation, activation === 'int8' ? 'int8' : random.pick(byteTypes)];
}

/** A zero point somewhere in the middle of its range. */
export function zeroPoints(random, type, dims = []) {
  const [low, high] = ranges[type];
  const quarter = Math.floor((high - low) / 4);
  return integers(random, type, dims, low + quarter, high - quarter);
}

export const scales = (random, dims = []) => uniforms(random, dims, 0.01, 0.1);

/** A scale that spreads a sum of `terms` products over the codes of the result. */
export const outputScale = (random, terms, inputScale, weightScale) =>
  scalar('float32', 2 * Math.sqrt(terms) * 74 * inputScale * weightScale * random.uniform(0.5, 1));

const maybe = (random, make) => (random.uniform() < 0.75 ? make() : null);

const matMulShapes = (random) => {
  const [m, n, k] = [random.integer(1, 9), random.integer(1, 40), random.integer(1, 70)];
  const batch = randomShape(random, random.pick([0, 0, 1, 2]), 3);
  const shared = batch.length === 0 || random.boolean();
  return { a: [...batch, m, k], b: shared ? [k, n] : [...batch, k, n], shared, k, n };
};

const matMulInteger = {
  opsets: [10],
  count: 24,
  make(random) {
    const [aType, bType] = [random.pick(byteTypes), random.pick(byteTypes)];
    const { a, b, shared, n } = matMulShapes(random);
    const perColumn = shared && random.boolean();
    return {
      inputs: [
        codes(random, aType, a),
        weightCodes(random, bType, b),
        maybe(random, () => zeroPoints(random, aType)),
        maybe(random, () => zeroPoints(random, bType, perColumn ? [n] : [])),
      ],
      constant: [false, shared, false, shared],
      outputs: ['int32'],
    };
  },
};

const qLinearMatMul = {
  opsets: [10],
  count: 24,
  make(random) {
    const [aType, bType] = operandTypes(random);
    const { a, b, k } = matMulShapes(random);
    const [aScale, bScale] = [scales(random), scales(random)];
    return {
      inputs: [
        codes(random, aType, a),
        aScale,
        zeroPoints(random, aType),
        weightCodes(random, bType, b),
        bScale,
        zeroPoints(random, bType),
        outputScale(random, k, aScale.data[0], bScale.data[0]),
        zeroPoints(random, aType),
      ],
      constant: [false, true, true, true, true, true, true, true],
      outputs: [aType],
    };
  },
};

/** Shapes of a convolution: dense of one or two spatial axes, grouped, depthwise or pointwise. */
function convShapes(random) {
  const spatial = random.pick([1, 2, 2, 2]);
  const kind = random.pick(['dense', 'dense', 'pointwise', 'grouped', 'depthwise']);
  const kernel = kind === 'pointwise' ? new Array(spatial).fill(1) : random.integers(spatial, 1, 3);
  const groups = { dense: 1, pointwise: 1, grouped: 2, depthwise: random.integer(2, 20) }[kind];
  const perGroup = kind === 'depthwise' ? 1 : random.integer(1, 20);
  const filters = groups * (kind === 'depthwise' ? 1 : random.integer(1, 12));
  const pads = kernel.map((extent) => random.integer(0, extent - 1));
  return {
    x: [random.integer(1, 2), groups * perGroup, ...random.integers(spatial, 5, 11)],
    w: [filters, perGroup, ...kernel],
    filters,
    terms: perGroup * kernel.reduce((count, extent) => count * extent, 1),
    attributes: {
      group: groups,
      kernel_shape: kernel,
      strides: random.integers(spatial, 1, 2),
      dilations: kernel.map(() => random.pick([1, 1, 2])),
      pads: [...pads, ...pads],
    },
  };
}

const convInteger = {
  opsets: [10],
  count: 32,
  make(random) {
    const [xType, wType] = operandTypes(random);
    const { x, w, attributes } = convShapes(random);
    return {
      inputs: [
        codes(random, xType, x),
        weightCodes(random, wType, w),
        maybe(random, () => zeroPoints(random, xType)),
        maybe(random, () => zeroPoints(random, wType)),
      ],
      constant: [false, true, false, true],
      attributes,
      outputs: ['int32'],
    };
  },
};

const qLinearConv = {
  opsets: [10],
  count: 40,
  make(random) {
    const [xType, wType] = operandTypes(random);
    const { x, w, filters, terms, attributes } = convShapes(random);
    const perChannel = random.boolean();
    const xScale = scales(random);
    const wScale = scales(random, perChannel ? [filters] : []);
    // Per-channel weights are symmetric in every exporter, and onnxruntime takes no others.
    const wZero = perChannel
      ? integers(random, wType, [filters], ...(wType === 'int8' ? [0, 0] : [128, 128]))
      : zeroPoints(random, wType);
    const bias = integers(random, 'int32', [filters], -2000, 2000);
    return {
      inputs: [
        codes(random, xType, x),
        xScale,
        zeroPoints(random, xType),
        weightCodes(random, wType, w),
        wScale,
        wZero,
        outputScale(random, terms, xScale.data[0], wScale.data[0]),
        zeroPoints(random, xType),
        maybe(random, () => bias),
      ],
      constant: [false, true, true, true, true, true, true, true, true],
      attributes,
      outputs: [xType],
    };
  },
};

/** Scale and zero point of one element, or of as many as an axis is long. */
function axisParams(random, opset, type, dims) {
  const axis = random.integer(0, dims.length - 1);
  const extents = opset >= 13 && random.boolean() ? [dims[axis]] : [];
  return {
    scale: scales(random, extents),
    zero: zeroPoints(random, type, extents),
    attributes: extents.length > 0 ? { axis } : {},
  };
}

const linearTypes = (opset) => (opset >= 21 ? Object.keys(ranges) : byteTypes);

const quantizeLinear = {
  opsets: [10, 13, 19, 21],
  count: 16,
  make(random, opset) {
    const type = random.pick(linearTypes(opset));
    const dims = randomShape(random, random.integer(1, 4), 7);
    const { scale, zero, attributes } = axisParams(random, opset, type, dims);
    return {
      inputs: [floats(random, dims, type.endsWith('16') ? 800 : 4), scale, zero],
      attributes,
      outputs: [type],
    };
  },
};

const dequantizeLinear = {
  opsets: [10, 13, 19, 21],
  count: 16,
  make(random, opset) {
    const type = random.pick(linearTypes(opset));
    const dims = randomShape(random, random.integer(1, 4), 7);
    const { scale, zero, attributes } = axisParams(random, opset, type, dims);
    return { inputs: [codes(random, type, dims), scale, zero], attributes };
  },
};

/** Numbers of both signs, of one sign, and all zero. */
const dynamicQuantizeLinear = {
  opsets: [11],
  count: 12,
  make(random) {
    const dims = randomShape(random, random.integer(1, 4), 9);
    const x = random.pick([
      floats(random, dims),
      uniforms(random, dims, 1, 5),
      uniforms(random, dims, -5, -1),
      tensor('float32', dims, floats(random, dims).data.fill(0)),
    ]);
    return { inputs: [x], outputs: ['uint8', 'float32', 'uint8'] };
  },
};

export const integer = {
  MatMulInteger: matMulInteger,
  ConvInteger: convInteger,
  QLinearMatMul: qLinearMatMul,
  QLinearConv: qLinearConv,
  QuantizeLinear: quantizeLinear,
  DequantizeLinear: dequantizeLinear,
  DynamicQuantizeLinear: dynamicQuantizeLinear,
};
