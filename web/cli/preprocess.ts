/**
 * Pictures as tensors. A spec is KEY=VALUE, separated by commas, or a word that stands for several:
 *
 *   size=WIDTHxHEIGHT                   to which the picture is resized; unless told what the model's input says, else its own
 *   fit=stretch|cover|contain           as it comes; the middle of it; all of it, with zeros around it
 *   layout=nchw|nhwc                    unless told by where the input has 1 or 3 channels
 *   channels=rgb|bgr|gray               gray for an input of one channel, else rgb
 *   range=LOW:HIGH                      of the values; 0:1 for floats, 0:255 for bytes
 *   mean=A[:B:C] std=A[:B:C]            of each channel, in that range: (value - mean) / std
 *   imagenet                            range=0:1,mean=0.485:0.456:0.406,std=0.229:0.224:0.225
 */
import { type InferenceSession, OctetError, type Tensor } from './index.js';
import type { Picture } from './cli.images.js';
import { UsageError } from './errors.js';
import { makeTensor } from './npy.js';

type Metadata = InferenceSession['inputMetadata'][number];

const presets: Record<string, string> = {
  imagenet: 'range=0:1,mean=0.485:0.456:0.406,std=0.229:0.224:0.225',
};
const words = {
  fit: ['stretch', 'cover', 'contain'],
  layout: ['nchw', 'nhwc'],
  channels: ['rgb', 'bgr', 'gray'],
} as const;

export interface Preprocessing {
  size?: [width: number, height: number];
  fit?: (typeof words.fit)[number];
  layout?: (typeof words.layout)[number];
  channels?: (typeof words.channels)[number];
  range?: number[];
  mean?: number[];
  std?: number[];
}

/** As many numbers as `counts` allows. */
function numbersIn(text: string, counts: number[]): number[] | undefined {
  const numbers = text.split(':').map((part) => (part.trim() ? Number(part) : NaN));
  return counts.includes(numbers.length) && numbers.every(Number.isFinite) ? numbers : undefined;
}

function sizeIn(text: string): [number, number] | undefined {
  const [, width, height] = /^([1-9]\d{0,4})x([1-9]\d{0,4})$/.exec(text) ?? [];
  return width ? [Number(width), Number(height)] : undefined;
}

const readers: Record<keyof Preprocessing, (text: string) => unknown> = {
  size: sizeIn,
  fit: (text) => words.fit.find((word) => word === text),
  layout: (text) => words.layout.find((word) => word === text),
  channels: (text) => words.channels.find((word) => word === text),
  range: (text) => numbersIn(text, [2]),
  mean: (text) => numbersIn(text, [1, 3]),
  std: (text) => {
    const numbers = numbersIn(text, [1, 3]);
    return numbers?.includes(0) ? undefined : numbers;
  },
};

/** Throws a UsageError that names the part which is not understood. */
export function preprocessingFrom(spec: string): Preprocessing {
  const result: Record<string, unknown> = {};
  const parts = spec.split(',').flatMap((part) => (presets[part] ?? part).split(','));
  for (const part of parts) {
    const [key, value = ''] = part.split('=');
    const isKnown = Object.hasOwn(readers, key);
    const read = isKnown ? readers[key as keyof Preprocessing](value) : undefined;
    if (read === undefined)
      throw new UsageError(
        `--preprocess: '${part}' is not understood; ` +
          (isKnown ? `a value for ${key} expected` : `${Object.keys(readers)}, imagenet are known`),
      );
    result[key] = read;
  }
  return result;
}

/** Weights of the pixels that one pixel of the result is made of. */
interface Share {
  first: number;
  weights: number[];
}

/**
 * Linear interpolation of a row that is scaled by `scale` from `start` on; where it shrinks, over all pixels that a new one covers,
 * so that nothing is skipped.
 */
function sharesOf(count: number, length: number, start: number, scale: number): Share[] {
  const reach = Math.max(scale, 1);
  return Array.from({ length: count }, (_, i) => {
    const centre = start + (i + 0.5) * scale;
    const first = Math.max(0, Math.floor(centre - reach));
    const last = Math.min(length, Math.ceil(centre + reach));
    const heights = Array.from({ length: Math.max(last - first, 0) }, (_, k) =>
      Math.max(0, 1 - Math.abs(first + k + 0.5 - centre) / reach),
    );
    const sum = heights.reduce((total, height) => total + height, 0);
    return { first, weights: heights.map((height) => height / sum) };
  });
}

/** Which part of the picture is taken, and where in the result it goes. */
function placesOf(from: number, to: number, scale: number) {
  const wanted = Math.min(to, Math.max(1, Math.round(from / scale)));
  return { count: wanted, at: (to - wanted) >> 1, start: (from - wanted * scale) / 2 };
}

/** Red, green and blue of every pixel from 0 to 255, at the size wanted; what a picture does not cover is 0. */
function resized(
  picture: Picture,
  [width, height]: [number, number],
  fit: Preprocessing['fit'],
): Float32Array {
  const scales = [picture.width / width, picture.height / height];
  const common = fit === 'cover' ? Math.min(...scales) : Math.max(...scales);
  const [scaleX, scaleY] = fit === 'stretch' || fit === undefined ? scales : [common, common];
  const across = placesOf(picture.width, width, scaleX);
  const down = placesOf(picture.height, height, scaleY);
  const columns = sharesOf(across.count, picture.width, across.start, scaleX);
  const rows = sharesOf(down.count, picture.height, down.start, scaleY);

  const narrow = new Float32Array(picture.height * across.count * 3);
  for (let y = 0, to = 0; y < picture.height; ++y)
    for (const { first, weights } of columns)
      for (let channel = 0; channel < 3; ++channel, ++to)
        weights.forEach((weight, k) => {
          narrow[to] += weight * picture.data[(y * picture.width + first + k) * 4 + channel];
        });
  const result = new Float32Array(width * height * 3);
  const length = across.count * 3;
  rows.forEach(({ first, weights }, y) => {
    const to = ((down.at + y) * width + across.at) * 3;
    weights.forEach((weight, k) => {
      for (let i = 0; i < length; ++i) result[to + i] += weight * narrow[(first + k) * length + i];
    });
  });
  return result;
}

const isChannels = (dim: number | string | null | undefined) => dim === 1 || dim === 3;

/** The input's layout, and the sizes that it fixes. */
function formOf(input: Metadata, { layout }: Preprocessing) {
  const shape = input.isTensor ? input.shape : [];
  if (shape.length !== 4 && shape.length !== 3)
    throw new OctetError('invalid-input', `input '${input.name}' is no picture: [${shape}]`);
  const dims = shape.slice(-3);
  const isLast = layout ? layout === 'nhwc' : !isChannels(dims[0]) && isChannels(dims[2]);
  const [channels, height, width] = isLast ? [dims[2], dims[0], dims[1]] : dims;
  return { isLast, hasBatch: shape.length === 4, channels, height, width };
}

/** Luma of BT.601, of which pictures in gray are made. */
const gray = (red: number, green: number, blue: number) =>
  0.299 * red + 0.587 * green + 0.114 * blue;

const arrays: Record<
  string,
  new (values: ArrayLike<number>) => Float32Array | Float64Array | Uint8Array
> = { float32: Float32Array, float64: Float64Array, uint8: Uint8ClampedArray as never };

/** A picture as an input wants it. */
export function pictureTensor(picture: Picture, input: Metadata, spec: Preprocessing): Tensor {
  const { isLast, hasBatch, channels, height, width } = formOf(input, spec);
  const type = input.isTensor ? input.type : '';
  const array = arrays[type];
  if (!array)
    throw new OctetError(
      'invalid-input',
      `input '${input.name}': pictures go into ${Object.keys(arrays).join(', ')}, not ${type}`,
    );
  const sizeOf = (dim: number | string | null, own: number) =>
    typeof dim === 'number' ? dim : own;
  const size = spec.size ?? [sizeOf(width, picture.width), sizeOf(height, picture.height)];
  const pixels = resized(picture, size as [number, number], spec.fit);

  const order = spec.channels ?? (channels === 1 ? 'gray' : 'rgb');
  const count = order === 'gray' ? 1 : 3;
  const [low, high] = spec.range ?? (type === 'uint8' ? [0, 255] : [0, 1]);
  const per = (given: number[] | undefined, channel: number, other: number) =>
    given ? given[Math.min(channel, given.length - 1)] : other;
  const area = size[0] * size[1];
  const values = new Float64Array(area * count);
  for (let i = 0; i < area; ++i) {
    const [red, green, blue] = pixels.subarray(3 * i, 3 * i + 3);
    const colours = order === 'gray' ? [gray(red, green, blue)] : [red, green, blue];
    if (order === 'bgr') colours.reverse();
    colours.forEach((colour, channel) => {
      const value = low + ((high - low) * colour) / 255;
      const to = isLast ? i * count + channel : channel * area + i;
      values[to] = (value - per(spec.mean, channel, 0)) / per(spec.std, channel, 1);
    });
  }
  const data = new array(values);
  const dims = isLast ? [size[1], size[0], count] : [count, size[1], size[0]];
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return makeTensor(type, bytes, hasBatch ? [1, ...dims] : dims);
}
