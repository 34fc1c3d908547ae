import { OctetError } from './errors.js';

/** Integer types that numbers are quantized to: all that ONNX's QuantizeLinear has. */
export type QuantizedType =
  | 'uint8'
  | 'int8'
  | 'uint16'
  | 'int16'
  | 'uint4'
  | 'int4'
  | 'uint2'
  | 'int2';

/** Codes, one per element: those of 4 and 2 bits are not packed. */
export type Codes = Uint8Array | Int8Array | Uint16Array | Int16Array;

interface CodeRange {
  min: number;
  max: number;
  array: new (size: number) => Codes;
}

const types: Record<QuantizedType, CodeRange> = {
  uint8: { min: 0, max: 255, array: Uint8Array },
  int8: { min: -128, max: 127, array: Int8Array },
  uint16: { min: 0, max: 65535, array: Uint16Array },
  int16: { min: -32768, max: 32767, array: Int16Array },
  uint4: { min: 0, max: 15, array: Uint8Array },
  int4: { min: -8, max: 7, array: Int8Array },
  uint2: { min: 0, max: 3, array: Uint8Array },
  int2: { min: -2, max: 1, array: Int8Array },
};

/** real = scale · (q − zeroPoint) */
export interface QuantParams {
  /** A float32 above 0. */
  scale: number;
  /** Of the type's range. */
  zeroPoint: number;
}

/** What codes there are. */
export interface QuantRangeOptions {
  /** Default 'uint8'. */
  type?: QuantizedType;
  /** Zero in the middle of the range, whose lowest code is left out; default false. */
  symmetric?: boolean;
}

/** Where codes come from: a range, or the parameters themselves; by default the range of the values. */
export interface QuantizeTensorOptions extends QuantRangeOptions, Partial<QuantParams> {
  /** The least that the codes cover, or 0 where that is less; default: the smallest value. */
  min?: number;
  /** The most that the codes cover, or 0 where that is more; default: the largest value. */
  max?: number;
}

/** Several scales for one tensor, as ONNX's QuantizeLinear has them. */
export interface QuantLayout {
  /** The tensor's shape. */
  dims: readonly number[];
  /** Counted from the end when negative. Each index of it has parameters of its own … */
  axis: number;
  /** … or, given this, each run of as many elements along it; the last one may be shorter. */
  blockSize?: number;
}

/** Codes that share one scale. */
export interface QuantizedTensor extends QuantParams {
  /** What the codes are. */
  type: QuantizedType;
  /** One for each value. */
  data: Codes;
}

/** In the shape that QuantizeLinear takes: [dims[axis]], or dims with as many blocks along the axis. */
export interface QuantParamArrays {
  /** Above 0. */
  scale: Float32Array;
  /** Of the type's range, one for each scale. */
  zeroPoint: Codes;
}

/** Codes with a scale for each index or block along an axis. */
export interface QuantizedParts extends QuantParamArrays {
  /** What the codes are. */
  type: QuantizedType;
  /** One for each value. */
  data: Codes;
}

const invalid = (message: string) => new OctetError('invalid-input', message);

function rangeOf(type: QuantizedType, symmetric = false): CodeRange {
  if (!Object.hasOwn(types, type))
    throw new OctetError(
      'invalid-option',
      `type: '${type}'; ${Object.keys(types).join(', ')} expected`,
    );
  const { min, max, array } = types[type];
  return { min: symmetric ? min + 1 : min, max, array };
}

function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  if (x - floor !== 0.5) return Math.round(x);
  return floor % 2 === 0 ? floor : floor + 1;
}

/** Never −0. */
const clamp = (x: number, { min, max }: CodeRange) => Math.min(Math.max(x, min), max) + 0;

/** The smallest float32 that keeps all its bits. */
const smallestScale = 2 ** -126;
const scaleOf = (span: number, steps: number) => Math.max(Math.fround(span / steps), smallestScale);

/**
 * Scale and zero point under which [min, max], widened to include 0, covers the type:
 * scale = (max − min) / (qmax − qmin), zeroPoint = round(qmin − min / scale). Where there is nothing but 0, the scale is 1.
 * Throws `invalid-input` unless min ≤ max are numbers that float32 has.
 */
export function chooseQuantParams(
  min: number,
  max: number,
  { type = 'uint8', symmetric = false }: QuantRangeOptions = {},
): QuantParams {
  const range = rangeOf(type, symmetric);
  const [low, high] = [Math.min(Math.fround(min), 0), Math.max(Math.fround(max), 0)];
  if (!Number.isFinite(low) || !Number.isFinite(high) || min > max)
    throw invalid(`cannot quantize the range ${min} to ${max}`);
  if (symmetric) {
    const zeroPoint = range.min + (range.max - range.min) / 2;
    const limit = Math.max(-low, high);
    return { scale: limit > 0 ? scaleOf(limit, range.max - zeroPoint) : 1, zeroPoint };
  }
  if (low === high) return { scale: 1, zeroPoint: clamp(0, range) };
  const span = high - low;
  const steps = range.max - range.min;
  const exact = Math.max(span / steps, smallestScale);
  return {
    scale: scaleOf(span, steps),
    zeroPoint: clamp(roundHalfEven(range.min - low / exact), range),
  };
}

function checkParams({ scale, zeroPoint }: QuantParams, range: CodeRange): void {
  if (!(scale > 0 && Number.isFinite(scale))) throw invalid(`scale: ${scale} is not above 0`);
  if (!Number.isInteger(zeroPoint) || clamp(zeroPoint, range) !== zeroPoint)
    throw invalid(`zeroPoint: ${zeroPoint} is no integer of ${range.min} to ${range.max}`);
}

const quantizeValue = (value: number, { scale, zeroPoint }: QuantParams, range: CodeRange) => {
  const q = roundHalfEven(Math.fround(Math.fround(value) / scale)) + zeroPoint;
  return Number.isNaN(q) ? zeroPoint : clamp(q, range);
};

/** Which of the parameters each element has. */
function parametersOf({ dims, axis, blockSize }: QuantLayout, elements: number) {
  const at = axis < 0 ? axis + dims.length : axis;
  const size = dims.reduce((product, dim) => product * dim, 1);
  if (!dims.every((dim) => Number.isSafeInteger(dim) && dim >= 0) || size !== elements)
    throw invalid(`dims: [${dims}] is not the shape of ${elements} elements`);
  if (!Number.isInteger(at) || at < 0 || at >= dims.length)
    throw invalid(`axis: ${axis} is none of the ${dims.length} axes`);
  if (blockSize !== undefined && !(Number.isSafeInteger(blockSize) && blockSize > 0))
    throw invalid(`blockSize: ${blockSize} is no number above 0`);
  const inner = dims.slice(at + 1).reduce((product, dim) => product * dim, 1);
  const extent = dims[at];
  if (blockSize === undefined)
    return { count: extent, of: (i: number) => Math.floor(i / inner) % extent };
  const blocks = Math.ceil(extent / blockSize);
  const outer = extent === 0 ? 0 : size / inner / extent || 0;
  return {
    count: outer * blocks * inner,
    of: (i: number) => {
      const row = Math.floor(i / inner);
      const block = Math.floor(row / extent) * blocks + Math.floor((row % extent) / blockSize);
      return block * inner + (i % inner);
    },
  };
}

/** The range of the values of each parameter, and 0. */
function rangesOf(values: ArrayLike<number>, count: number, of: (i: number) => number) {
  const lows = new Float64Array(count);
  const highs = new Float64Array(count);
  for (let i = 0; i < values.length; ++i) {
    const value = values[i];
    if (!Number.isFinite(value))
      throw invalid(`element ${i} is ${value}: give the range or the parameters`);
    const at = of(i);
    if (value < lows[at]) lows[at] = value;
    if (value > highs[at]) highs[at] = value;
  }
  return { lows, highs };
}

function chooseAll(
  values: ArrayLike<number>,
  { min, max, scale, zeroPoint, ...options }: QuantizeTensorOptions,
  count: number,
  of: (i: number) => number,
): QuantParams[] {
  const one = (params: QuantParams) => new Array<QuantParams>(count).fill(params);
  if (scale !== undefined) return one({ scale: Math.fround(scale), zeroPoint: zeroPoint ?? 0 });
  if (min !== undefined && max !== undefined) return one(chooseQuantParams(min, max, options));
  const { lows, highs } = rangesOf(values, count, of);
  return Array.from(lows, (low, at) => chooseQuantParams(min ?? low, max ?? highs[at], options));
}

/**
 * Codes of numbers: q = round((x − min) / (max − min) · (qmax − qmin) + qmin) with 0 exactly representable, rounded
 * half to even, saturating. Give a range (default: that of the values) or the parameters themselves; with `axis`, every index
 * or block along it has parameters of its own. Where range or parameters are given, NaN becomes the zero point.
 * Throws `invalid-input`, `invalid-option`.
 */
export function quantizeTensor(
  values: ArrayLike<number>,
  options: QuantizeTensorOptions & QuantLayout,
): QuantizedParts;
export function quantizeTensor(
  values: ArrayLike<number>,
  options?: QuantizeTensorOptions,
): QuantizedTensor;
export function quantizeTensor(
  values: ArrayLike<number>,
  options: QuantizeTensorOptions & Partial<QuantLayout> = {},
): QuantizedTensor | QuantizedParts {
  const { dims, axis, blockSize, ...given } = options;
  const { type = 'uint8', symmetric } = given;
  const range = rangeOf(type, symmetric);
  const isWhole = axis === undefined;
  if (isWhole && blockSize !== undefined) throw invalid('blockSize: needs an axis');
  const layout = { dims: dims ?? [values.length], axis: axis ?? 0, blockSize };
  const { count, of } = isWhole ? { count: 1, of: () => 0 } : parametersOf(layout, values.length);
  const params = chooseAll(values, given, count, of);
  for (const each of params) checkParams(each, range);
  const data = new range.array(values.length);
  for (let i = 0; i < data.length; ++i) data[i] = quantizeValue(values[i], params[of(i)], range);
  if (isWhole) return { type, data, ...params[0] };
  const zeroPoint = new range.array(count);
  params.forEach((each, at) => (zeroPoint[at] = each.zeroPoint));
  return { type, data, scale: Float32Array.from(params, (each) => each.scale), zeroPoint };
}

/**
 * The numbers that codes stand for. Parameters that are arrays need the layout that they were made with.
 * Throws `invalid-input`.
 */
export function dequantizeTensor(codes: ArrayLike<number>, params: QuantParams): Float32Array;
export function dequantizeTensor(
  codes: ArrayLike<number>,
  params: QuantParamArrays & QuantLayout,
): Float32Array;
export function dequantizeTensor(
  codes: ArrayLike<number>,
  params: QuantParams | (QuantParamArrays & QuantLayout),
): Float32Array {
  const anything = { min: -Infinity, max: Infinity, array: Uint8Array };
  if (!('axis' in params)) {
    checkParams(params, anything);
    return Float32Array.from(codes, (q) => params.scale * (q - params.zeroPoint));
  }
  const { scale, zeroPoint } = params;
  const { count, of } = parametersOf(params, codes.length);
  if (scale.length !== count || zeroPoint.length !== count)
    throw invalid(`scale, zeroPoint: ${count} of each expected`);
  scale.forEach((each, at) => checkParams({ scale: each, zeroPoint: zeroPoint[at] }, anything));
  return Float32Array.from(codes, (q, i) => scale[of(i)] * (q - zeroPoint[of(i)]));
}
