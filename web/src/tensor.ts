import {
  Tensor as OrtTensor,
  type TensorConstructor,
  type TensorFactory,
} from 'onnxruntime-common';
import type { HeapArray, HeapArrayConstructor } from './engine.js';
import { OctetError } from './errors.js';

const Base = OrtTensor as unknown as new (...args: unknown[]) => OrtTensor;

class OctetTensor extends Base {
  constructor(...args: unknown[]) {
    try {
      super(...args);
    } catch (error) {
      throw new OctetError('invalid-input', `Tensor: ${(error as Error).message}`, {
        cause: error,
      });
    }
  }
}

/** onnxruntime-common's Tensor, whose complaints are `OctetError`s of code `invalid-input`. */
export const Tensor = OctetTensor as unknown as TensorConstructor & TensorFactory;
export type Tensor = OrtTensor;

// Float16Array is what onnxruntime-common takes where the platform has it.
const arrays: Record<string, HeapArrayConstructor> = {
  float32: Float32Array,
  float64: Float64Array,
  int8: Int8Array,
  uint8: Uint8Array,
  bool: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  float16: ((globalThis as Record<string, unknown>).Float16Array ??
    Uint16Array) as HeapArrayConstructor,
  int4: Uint8Array,
  uint4: Uint8Array,
};

/** What holds elements of a type other than string. */
export const arrayOf = (type: OrtTensor.Type): HeapArrayConstructor => arrays[type];

/** Any library's Tensor will do. */
export function isTensorLike(value: unknown): value is OrtTensor {
  const tensor = value as Partial<OrtTensor> | null;
  return (
    typeof tensor === 'object' && tensor !== null && Array.isArray(tensor.dims) && 'type' in tensor
  );
}

/** The elements of a feed. Throws `invalid-input` when they are not in the CPU's memory. */
export function elementsOf(name: string, tensor: OrtTensor): HeapArray {
  let data: OrtTensor['data'];
  try {
    data = tensor.data;
  } catch (error) {
    throw new OctetError('invalid-input', `input '${name}': ${(error as Error).message}`);
  }
  if (!ArrayBuffer.isView(data))
    throw new OctetError('invalid-input', `input '${name}': its data is not a typed array`);
  const buffer = data.buffer as ArrayBuffer & { detached?: boolean };
  if (buffer.detached || (data.byteLength === 0 && !tensor.dims.includes(0)))
    throw new OctetError('invalid-input', `input '${name}': its buffer is detached`);
  return data as HeapArray;
}

/** A result. */
export const makeTensor = (type: OrtTensor.Type, data: unknown, dims: number[]): OrtTensor =>
  new (Tensor as unknown as new (...args: unknown[]) => OrtTensor)(type, data, dims);
