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
import { type Fit, fits, resized } from './resize.js';

type Metadata = InferenceSession['inputMetadata'][number];

const presets = new Map([['imagenet', 'range=0:1,mean=0.485:0.456:0.406,std=0.229:0.224:0.225']]);
const words = {
  layout: ['nchw', 'nhwc'],
  channels: ['rgb', 'bgr', 'gray'],
} as const;

export interface Preprocessing {
  size?: [width: number, height: number];
  fit?: Fit;
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
  fit: (text) => fits.find((word) => word === text),
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
  const parts = spec.split(',').flatMap((part) => (presets.get(part) ?? part).split(','));
  for (const part of parts) {
    const [key, value = ''] = part.split('=');
    const isKnown = Object.hasOwn(readers, key);
    const read = isKnown ? readers[key as keyof Preprocessing](value) : undefined;
    if (read === undefined)
      throw new UsageError(
        `--preprocess: '${part}' is not understood; ` +
          (isKnown
            ? `a value for ${key} expected`
            : `${[...Object.keys(readers), ...presets.keys()].join(', ')} are known`),
      );
    result[key] = read;
  }
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

/** Pixels as numbers of the range, normalized, in the layout. */
function valuesOf(
  pixels: Float32Array,
  order: NonNullable<Preprocessing['channels']>,
  isLast: boolean,
  { range: [low, high] = [0, 1], mean = [0], std = [1] }: Preprocessing,
): Float64Array {
  const area = pixels.length / 3;
  const count = order === 'gray' ? 1 : 3;
  const values = new Float64Array(area * count);
  for (let i = 0; i < area; ++i) {
    const [red, green, blue] = pixels.subarray(3 * i, 3 * i + 3);
    const colours = order === 'gray' ? [gray(red, green, blue)] : [red, green, blue];
    if (order === 'bgr') colours.reverse();
    colours.forEach((colour, channel) => {
      const value = low + ((high - low) * colour) / 255;
      const to = isLast ? i * count + channel : channel * area + i;
      values[to] = (value - mean[channel % mean.length]) / std[channel % std.length];
    });
  }
  return values;
}

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
  const [across, down] = spec.size ?? [
    sizeOf(width, picture.width),
    sizeOf(height, picture.height),
  ];
  const pixels = resized(picture, [across, down], spec.fit ?? 'stretch');
  const order = spec.channels ?? (channels === 1 ? 'gray' : 'rgb');
  const range = spec.range ?? (type === 'uint8' ? [0, 255] : [0, 1]);
  const data = new array(valuesOf(pixels, order, isLast, { ...spec, range }));
  const count = order === 'gray' ? 1 : 3;
  const dims = isLast ? [down, across, count] : [count, down, across];
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return makeTensor(type, bytes, hasBatch ? [1, ...dims] : dims);
}
