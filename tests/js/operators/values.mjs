/** Random tensors and shapes for the cases of single operators. */
import { tensor } from '../../models/onnx_builder.mjs';

export const elementCount = (dims) => dims.reduce((count, dim) => count * dim, 1);

export const randomShape = (random, rank, largest = 5) => random.integers(rank, 1, largest);

/** A shape that broadcasts with `dims`: some leading axes are left out, some others are 1. */
export const broadcastable = (random, dims) =>
  dims
    .slice(random.integer(0, Math.max(0, dims.length - 1)))
    .map((dim) => (random.uniform() < 0.3 ? 1 : dim));

export const floats = (random, dims, deviation = 2) =>
  tensor('float32', dims, random.normals(elementCount(dims), 0, deviation));

export const uniforms = (random, dims, low, high) =>
  tensor('float32', dims, random.uniforms(elementCount(dims), low, high));

export const integers = (random, type, dims, low, high) =>
  tensor(type, dims, random.integers(elementCount(dims), low, high));

export const booleans = (random, dims) => integers(random, 'bool', dims, 0, 1);

/** Small numbers of any type. */
export function numbers(random, type, dims) {
  if (type === 'bool') return booleans(random, dims);
  if (type === 'float32') return floats(random, dims);
  const lowest = type.startsWith('u') ? 0 : -20;
  return integers(random, type, dims, lowest, 20);
}

/** A list of indices, sizes or axes as an operator's input. */
export const list = (values, type = 'int64') => tensor(type, [values.length], values);

/** `count` different axes of `rank`, counted from either end, in random order. */
export const someAxes = (random, rank, count) =>
  random
    .shuffled(Array.from({ length: rank }, (_, axis) => axis))
    .slice(0, count)
    .map((axis) => (random.boolean() ? axis : axis - rank));

export const anAxis = (random, rank) => random.integer(-rank, rank - 1);
