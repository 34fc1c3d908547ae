import {
  Tensor as OrtTensor,
  type TensorConstructor,
  type TensorFactory,
} from 'onnxruntime-common';
import type { Engine, HeapTensor } from './engine.js';
import { OctetError } from './errors.js';
import { typeName, typeNumber } from './types.js';

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

type TypedArrayConstructor = new (buffer: ArrayBuffer) => OrtTensor['data'];

// Float16Array is what onnxruntime-common takes where the platform has it.
const arrays: Record<string, TypedArrayConstructor> = {
  float32: Float32Array,
  float64: Float64Array,
  int8: Int8Array,
  uint8: Uint8Array,
  bool: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array as unknown as TypedArrayConstructor,
  uint64: BigUint64Array as unknown as TypedArrayConstructor,
  float16: ((globalThis as Record<string, unknown>).Float16Array ??
    Uint16Array) as TypedArrayConstructor,
  int4: Uint8Array,
  uint4: Uint8Array,
};

function isTensorLike(value: unknown): value is OrtTensor {
  const tensor = value as Partial<OrtTensor> | null;
  return (
    typeof tensor === 'object' && tensor !== null && Array.isArray(tensor.dims) && 'type' in tensor
  );
}

function bytesOf(name: string, tensor: OrtTensor): Uint8Array {
  let data: OrtTensor['data'];
  try {
    data = tensor.data;
  } catch (error) {
    throw new OctetError('invalid-input', `input '${name}': ${(error as Error).message}`);
  }
  if (!ArrayBuffer.isView(data))
    throw new OctetError('invalid-input', `input '${name}': its data is not a typed array`);
  const buffer = data.buffer as ArrayBuffer & { detached?: boolean };
  const wanted = tensor.dims.reduce((size, dim) => size * dim, 1);
  if (buffer.detached || (data.byteLength === 0 && wanted !== 0))
    throw new OctetError('invalid-input', `input '${name}': its buffer is detached`);
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** Copies a feed into the heap. Throws `invalid-input` for what is not a tensor in the CPU's memory. */
export function putTensor(
  engine: Engine,
  name: string,
  value: unknown,
): HeapTensor & { name: string } {
  if (!isTensorLike(value))
    throw new OctetError('invalid-input', `input '${name}': a Tensor expected`);
  const type = typeNumber(value.type);
  if (type === undefined)
    throw new OctetError('invalid-input', `input '${name}': elements of type ${value.type}`);
  const dims = [...value.dims];
  if (value.type === 'string')
    return { name, type, dims, address: 0, size: 0, strings: [...(value.data as string[])] };
  return { name, type, dims, ...engine.put(bytesOf(name, value)) };
}

/** Copies a result out of the heap. */
export function takeTensor(engine: Engine, tensor: HeapTensor): OrtTensor {
  const type = typeName(tensor.type);
  if (type === undefined)
    throw new OctetError('unsupported-operator', `a result of element type ${tensor.type}`);
  if (type === 'string') return new Tensor('string', tensor.strings ?? [], tensor.dims);
  const data = new arrays[type](engine.take(tensor).buffer);
  return new (Tensor as unknown as new (...args: unknown[]) => OrtTensor)(type, data, tensor.dims);
}
