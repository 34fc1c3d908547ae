import { OctetError } from './errors.js';

/** Integer types that numbers are quantized to. */
export type QuantizedType = 'int8' | 'uint8' | 'int16' | 'uint16' | 'int4' | 'uint4';

/** real = scale · (q − zeroPoint) */
export interface QuantParams {
  scale: number;
  zeroPoint: number;
}

export interface QuantRangeOptions {
  type?: QuantizedType;
  /** Zero in the middle of the range; default false. */
  symmetric?: boolean;
}

const ranges: Record<QuantizedType, [number, number]> = {
  uint8: [0, 255],
  int8: [-128, 127],
  uint16: [0, 65535],
  int16: [-32768, 32767],
  uint4: [0, 15],
  int4: [-8, 7],
};

const arrays = {
  uint8: Uint8Array,
  int8: Int8Array,
  uint16: Uint16Array,
  int16: Int16Array,
  uint4: Uint8Array,
  int4: Int8Array,
};

/** Codes, one per element (4-bit ones are not packed). */
export type Codes = Uint8Array | Int8Array | Uint16Array | Int16Array;

function rangeOf(type: QuantizedType, symmetric: boolean): [number, number] {
  const range = ranges[type];
  if (!range)
    throw new OctetError(
      'invalid-option',
      `type: '${type}'; ${Object.keys(ranges).join(', ')} expected`,
    );
  return symmetric ? [range[0] + 1, range[1]] : range;
}

function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  if (rest !== 0.5) return Math.round(x);
  return floor % 2 === 0 ? floor : floor + 1;
}

const clamp = (x: number, [low, high]: [number, number]) => Math.min(Math.max(x, low), high);

/**
 * Scale and zero point under which [min, max], widened to include 0, covers the type:
 * scale = (max − min) / (qmax − qmin), zeroPoint = round(qmin − min / scale).
 */
export function chooseQuantParams(
  min: number,
  max: number,
  { type = 'uint8', symmetric = false }: QuantRangeOptions = {},
): QuantParams {
  const range = rangeOf(type, symmetric);
  if (!Number.isFinite(min) || !Number.isFinite(max) || min > max)
    throw new OctetError('invalid-input', `cannot quantize the range ${min} to ${max}`);
  const low = Math.min(min, 0);
  const high = Math.max(max, 0);
  if (symmetric) {
    const middle = range[0] + (range[1] - range[0]) / 2;
    const limit = Math.max(-low, high);
    return { scale: limit > 0 ? Math.fround(limit / (range[1] - middle)) : 1, zeroPoint: middle };
  }
  const scale = (high - low) / (range[1] - range[0]);
  if (Math.fround(scale) <= 0) return { scale: 1, zeroPoint: clamp(0, range) };
  const zeroPoint = clamp(roundHalfEven(range[0] - low / scale), range);
  return { scale: Math.fround(scale), zeroPoint };
}

function checkParams({ scale, zeroPoint }: QuantParams): void {
  if (!(scale > 0 && Number.isFinite(scale)) || !Number.isInteger(zeroPoint))
    throw new OctetError(
      'invalid-input',
      `scale ${scale} and zero point ${zeroPoint} are no parameters`,
    );
}

/**
 * Codes of numbers: q = round((x − min) / (max − min) · (qmax − qmin) + qmin) with 0 exactly representable, rounded
 * half to even, saturating. Give a range (default: that of the values) or the parameters themselves. NaN becomes the
 * zero point.
 */
export function quantizeTensor(
  values: ArrayLike<number>,
  options: QuantRangeOptions & { min?: number; max?: number } & Partial<QuantParams> = {},
): { data: Codes; scale: number; zeroPoint: number; type: QuantizedType } {
  const { type = 'uint8', symmetric = false } = options;
  const range = rangeOf(type, symmetric);
  let { min = 0, max = 0 } = options;
  if (options.min === undefined || options.max === undefined)
    for (let i = 0; i < values.length; ++i) {
      if (options.min === undefined) min = Math.min(min, values[i]);
      if (options.max === undefined) max = Math.max(max, values[i]);
    }
  const params =
    options.scale === undefined
      ? chooseQuantParams(min, max, { type, symmetric })
      : { scale: options.scale, zeroPoint: options.zeroPoint ?? 0 };
  checkParams(params);
  const data = new arrays[type](values.length);
  for (let i = 0; i < values.length; ++i) {
    const q = roundHalfEven(Math.fround(Math.fround(values[i]) / params.scale)) + params.zeroPoint;
    data[i] = Number.isNaN(q) ? params.zeroPoint : clamp(q, range);
  }
  return { data, ...params, type };
}

/** The numbers that codes stand for. */
export function dequantizeTensor(codes: ArrayLike<number>, params: QuantParams): Float32Array {
  checkParams(params);
  return Float32Array.from(codes, (q) => params.scale * (q - params.zeroPoint));
}
