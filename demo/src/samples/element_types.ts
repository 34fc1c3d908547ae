/** The element types that the page can make. */
import type { TensorData } from '../engine/protocol.ts';
import { SampleError } from './sample_error.ts';

export interface ElementType {
  array: new (count: number | ArrayBuffer) => TensorData;
  /** In bytes. */
  width: number;
  /** As .npy files name it. */
  npy: string;
  /** A likely value, from a number of 0 to 1. */
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

export interface Input {
  name: string;
  type: string;
  dims: readonly number[];
}

/** Throws for what can't be made. */
export function elementTypeOf({ name, type }: Input): ElementType {
  const element = elementTypes[type];
  if (!element) throw new SampleError(`Input '${name}' holds ${type}, which this page can't make.`);
  return element;
}

export function elementCount({ name, dims }: Input): number {
  const count = dims.reduce((product, dim) => product * dim, 1);
  if (count > mostElements)
    throw new SampleError(`Input '${name}' would have ${count} elements, which is too many.`);
  return count;
}

/** An array whose every element is what `next` gives. */
export function filled({ array }: ElementType, count: number, next: () => number): TensorData {
  const data = new array(count);
  if (data instanceof BigInt64Array) for (let i = 0; i < count; ++i) data[i] = BigInt(next());
  else for (let i = 0; i < count; ++i) data[i] = next();
  return data;
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
