/** Inputs made for a comparison: the sizes of open dimensions, and values that are random, all one, or from a file. */
import type { ModelSummary, PortSummary } from 'octet-web';
import type { PlainFeeds, PlainTensor, TensorData } from '../engine/protocol.ts';
import type { Pixels } from '../ocr/pixels.ts';
import { isNpy, parseNpy } from './npy.ts';

export interface OpenDimension {
  /** The symbol, or a name made of input and axis. */
  key: string;
  size: number;
}

/** What an input is filled with. */
export type Filling =
  | { kind: 'random' }
  | { kind: 'value'; value: number }
  | { kind: 'bytes'; bytes: Uint8Array }
  | { kind: 'picture'; draw: (width: number, height: number) => Pixels };

interface ElementType {
  array: new (count: number | ArrayBuffer) => TensorData;
  width: number;
  npy: string;
  random: (uniform: number) => number;
}

const minusOneToOne = (uniform: number) => uniform * 2 - 1;
const zeroOrOne = (uniform: number) => (uniform < 0.5 ? 0 : 1);

const elementTypes: Record<string, ElementType> = {
  float32: { array: Float32Array, width: 4, npy: 'f4', random: minusOneToOne },
  float64: { array: Float64Array, width: 8, npy: 'f8', random: minusOneToOne },
  int64: { array: BigInt64Array as never, width: 8, npy: 'i8', random: zeroOrOne },
  int32: { array: Int32Array, width: 4, npy: 'i4', random: zeroOrOne },
  uint8: { array: Uint8Array, width: 1, npy: 'u1', random: (u) => Math.floor(u * 256) },
  int8: { array: Int8Array, width: 1, npy: 'i1', random: (u) => Math.floor(u * 256) - 128 },
  bool: { array: Uint8Array, width: 1, npy: 'b1', random: zeroOrOne },
};

const mostElements = 2 ** 28;

const keyOf = (port: PortSummary, axis: number) => port.shape?.[axis] ?? `${port.name}[${axis}]`;

/** A size to begin with: one sample, a picture of 224 × 224, or 32 of anything else. */
function likelySize(rank: number, axis: number): number {
  if (axis === 0) return 1;
  return rank === 4 && axis >= 2 ? 224 : 32;
}

export function openDimensions(summary: ModelSummary): OpenDimension[] {
  const found = new Map<string, number>();
  for (const port of summary.inputs)
    port.shape?.forEach((dim, axis, { length }) => {
      const key = String(keyOf(port, axis));
      if (typeof dim !== 'number' && !found.has(key)) found.set(key, likelySize(length, axis));
    });
  return [...found].map(([key, size]) => ({ key, size }));
}

function dimsOf(port: PortSummary, sizes: ReadonlyMap<string, number>): number[] {
  return (port.shape ?? []).map((dim, axis) =>
    typeof dim === 'number' ? dim : (sizes.get(String(keyOf(port, axis))) ?? 1),
  );
}

/** Random numbers of 0 to 1 that are the same at every visit (mulberry32, by Tommy Ettinger; public domain). */
export function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A picture as numbers of 0 to 1, for inputs [1, 1 or 3, height, width] or [1, height, width, 1 or 3]. */
export function pictureValues(
  dims: readonly number[],
  draw: (width: number, height: number) => Pixels,
): Float32Array {
  const isChannels = (count: number) => count === 1 || count === 3;
  const channelsFirst = isChannels(dims[1]);
  if (dims.length !== 4 || dims[0] !== 1 || !(channelsFirst || isChannels(dims[3])))
    throw new Error(`A picture can't fill an input of shape [${dims.join(', ')}].`);
  const [channels, height, width] = channelsFirst ? dims.slice(1) : [dims[3], dims[1], dims[2]];
  const { data } = draw(width, height);
  const out = new Float32Array(channels * height * width);
  const plane = height * width;
  for (let at = 0; at < plane; ++at) {
    const colour = [data[at * 4], data[at * 4 + 1], data[at * 4 + 2]];
    const grey = (colour[0] + colour[1] + colour[2]) / 3;
    for (let c = 0; c < channels; ++c)
      out[channelsFirst ? c * plane + at : at * channels + c] =
        (channels === 1 ? grey : colour[c]) / 255;
  }
  return out;
}

function valuesFromFile(
  { name, type }: PortSummary,
  element: ElementType,
  count: number,
  file: Uint8Array,
): TensorData {
  let data = file.slice();
  if (isNpy(file)) {
    const array = parseNpy(file);
    if (array.type !== element.npy)
      throw new Error(`The .npy file holds '${array.type}'; input '${name}' takes ${type}.`);
    data = array.data;
  }
  const expected = count * element.width;
  if (data.byteLength !== expected)
    throw new Error(
      `The file has ${data.byteLength} bytes of values; input '${name}' takes ${expected}.`,
    );
  return new element.array(data.buffer);
}

function makeTensor(
  port: PortSummary,
  dims: number[],
  filling: Filling,
  uniform: () => number,
): PlainTensor {
  const element = elementTypes[port.type];
  if (!element)
    throw new Error(`Input '${port.name}' holds ${port.type}, which this page can't make.`);
  const count = dims.reduce((product, dim) => product * dim, 1);
  if (count > mostElements)
    throw new Error(`Input '${port.name}' would have ${count} elements, which is too many.`);
  if (filling.kind === 'bytes')
    return { type: port.type, data: valuesFromFile(port, element, count, filling.bytes), dims };
  if (filling.kind === 'picture') {
    if (port.type !== 'float32')
      throw new Error(`A picture can't fill input '${port.name}', which holds ${port.type}.`);
    return { type: port.type, data: pictureValues(dims, filling.draw), dims };
  }
  const next = filling.kind === 'value' ? () => filling.value : () => element.random(uniform());
  const data = new element.array(count);
  if (data instanceof BigInt64Array) for (let i = 0; i < count; ++i) data[i] = BigInt(next());
  else for (let i = 0; i < count; ++i) data[i] = next();
  return { type: port.type, data, dims };
}

/** `count` samples for all inputs of a model. Only random values differ from sample to sample. */
export function makeSamples(
  summary: ModelSummary,
  sizes: ReadonlyMap<string, number>,
  fillings: ReadonlyMap<string, Filling>,
  count: number,
): PlainFeeds[] {
  const uniform = randomNumbers(1);
  return Array.from({ length: count }, () =>
    Object.fromEntries(
      summary.inputs.map((port) => {
        const filling = fillings.get(port.name) ?? { kind: 'random' };
        return [port.name, makeTensor(port, dimsOf(port, sizes), filling, uniform)];
      }),
    ),
  );
}
