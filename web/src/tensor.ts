import {
  Tensor as OrtTensor,
  type TensorConstructor,
  type TensorFactory,
} from 'onnxruntime-common';
import type { HeapArray, HeapArrayConstructor } from './engine.js';
import { OctetError } from './errors.js';

/** Element types of ONNX that onnxruntime-common's Tensor does not know; their elements are as they are stored. */
export type OwnType =
  | 'bfloat16'
  | 'float8e4m3fn'
  | 'float8e4m3fnuz'
  | 'float8e5m2'
  | 'float8e5m2fnuz'
  | 'float8e8m0'
  | 'float4e2m1'
  | 'int2'
  | 'uint2'
  | 'complex64'
  | 'complex128';

/** What holds the elements of these types. */
const ownTypes = {
  /** The upper halves of float32 numbers. */
  bfloat16: Uint16Array,
  float8e4m3fn: Uint8Array,
  float8e4m3fnuz: Uint8Array,
  float8e5m2: Uint8Array,
  float8e5m2fnuz: Uint8Array,
  float8e8m0: Uint8Array,
  /** Two elements a byte, the first in the lower bits. */
  float4e2m1: Uint8Array,
  /** Four elements a byte, the first in the lowest bits. */
  int2: Uint8Array,
  uint2: Uint8Array,
  /** The real and the imaginary part of each element. */
  complex64: Float32Array,
  complex128: Float64Array,
} satisfies Record<OwnType, HeapArrayConstructor>;

/** Every element type of ONNX. */
export type ElementType = OrtTensor.Type | OwnType;

const elementsPerItem: Partial<Record<OwnType, number>> = {
  float4e2m1: 2,
  int2: 4,
  uint2: 4,
  complex64: 0.5,
  complex128: 0.5,
};

const isOwnType = (type: unknown): type is OwnType =>
  typeof type === 'string' && Object.hasOwn(ownTypes, type);

const Base = OrtTensor as unknown as new (...args: unknown[]) => OrtTensor;

class OctetTensor extends Base {
  constructor(...args: unknown[]) {
    try {
      const [type, data, dims] = args;
      super(...(isOwnType(type) ? [data] : args));
      if (isOwnType(type)) this.#become(type, dims as number[] | undefined);
    } catch (error) {
      throw new OctetError('invalid-input', `Tensor: ${(error as Error).message}`, {
        cause: error,
      });
    }
  }

  override reshape(dims: readonly number[]): OrtTensor {
    if (!isOwnType(this.type)) return super.reshape(dims);
    return new OctetTensor(this.type, this.data, dims) as unknown as OrtTensor;
  }

  /** Takes the elements, which are there as they are stored, for those of a type of our own. */
  #become(type: OwnType, dims?: readonly number[]): void {
    const { data } = this;
    const holder = ownTypes[type];
    if (!(data instanceof holder)) throw new TypeError(`the data of ${type} is a ${holder.name}`);
    const per = elementsPerItem[type] ?? 1;
    const shape = dims ?? [data.length * per];
    if (!shape.every((dim) => Number.isSafeInteger(dim) && dim >= 0))
      throw new TypeError(`dims are sizes, not [${shape}]`);
    const size = shape.reduce((product, dim) => product * dim, 1);
    if (Math.ceil(size / per) !== data.length)
      throw new TypeError(`size ${size} does not match the data's length ${data.length}`);
    Object.assign(this, { type, dims: [...shape], size });
  }
}

/** The constructor for types of our own, beside those of onnxruntime-common. */
export interface OwnTensorConstructor {
  /**
   * `data` holds the elements as they are stored, several to a byte where they are smaller than one, the first in the lowest bits;
   * complex ones as pairs. `dims` counts elements; default: one dimension. Throws `invalid-input`.
   */
  new (
    type: OwnType,
    data: Uint8Array | Uint16Array | Float32Array | Float64Array,
    dims?: readonly number[],
  ): OrtTensor;
}

/**
 * onnxruntime-common's Tensor, whose complaints are `OctetError`s of code `invalid-input`, and which holds elements of every
 * type that ONNX has (`ElementType`): as they are stored, where JavaScript has no numbers of that type.
 */
export const Tensor = OctetTensor as unknown as TensorConstructor &
  OwnTensorConstructor &
  TensorFactory;
/** onnxruntime-common's Tensor: `type`, `dims`, `data`. */
export type Tensor = OrtTensor;
/** The types that onnxruntime-common has under this name. */
export declare namespace Tensor {
  export type DataTypeMap = OrtTensor.DataTypeMap;
  export type ElementTypeMap = OrtTensor.ElementTypeMap;
  export type DataType = OrtTensor.DataType;
  export type ElementType = OrtTensor.ElementType;
  export type CpuPinnedDataTypes = OrtTensor.CpuPinnedDataTypes;
  export type TextureType = OrtTensor.TextureType;
  export type TextureDataTypes = OrtTensor.TextureDataTypes;
  export type GpuBufferTypeFallback = OrtTensor.GpuBufferTypeFallback;
  export type GpuBufferType = OrtTensor.GpuBufferType;
  export type GpuBufferDataTypes = OrtTensor.GpuBufferDataTypes;
  export type MLTensorTypeFallback = OrtTensor.MLTensorTypeFallback;
  export type MLTensorType = OrtTensor.MLTensorType;
  export type MLTensorDataTypes = OrtTensor.MLTensorDataTypes;
  export type DataLocation = OrtTensor.DataLocation;
  export type Type = OrtTensor.Type;
}

/**
 * What goes into a model and comes out: a tensor; an array for a sequence; a Map; null for an empty optional.
 */
export type OctetValue = OrtTensor | readonly OctetValue[] | ReadonlyMap<unknown, unknown> | null;

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
  ...(ownTypes as unknown as Record<OwnType, HeapArrayConstructor>),
};

/** What holds elements of a type other than string. */
export const arrayOf = (type: ElementType): HeapArrayConstructor => arrays[type];

/** Any library's Tensor will do. */
export function isTensorLike(value: unknown): value is OrtTensor {
  const tensor = value as Partial<OrtTensor> | null;
  return (
    typeof tensor === 'object' && tensor !== null && Array.isArray(tensor.dims) && 'type' in tensor
  );
}

function dataOf(name: string, tensor: OrtTensor): OrtTensor['data'] {
  try {
    return tensor.data;
  } catch (error) {
    throw new OctetError('invalid-input', `input '${name}': ${(error as Error).message}`);
  }
}

/** The elements of a feed. Throws `invalid-input` when they are not in the CPU's memory. */
export function elementsOf(name: string, tensor: OrtTensor): HeapArray {
  const data = dataOf(name, tensor);
  if (!ArrayBuffer.isView(data))
    throw new OctetError('invalid-input', `input '${name}': its data is not a typed array`);
  const buffer = data.buffer as ArrayBuffer & { detached?: boolean };
  if (buffer.detached || (data.byteLength === 0 && !tensor.dims.includes(0)))
    throw new OctetError('invalid-input', `input '${name}': its buffer is detached`);
  return data as HeapArray;
}

/**
 * The elements of a feed of strings; halves of surrogate pairs, which UTF-8 can't say, become U+FFFD. Throws `invalid-input` when
 * one is no string: a Tensor's constructor leaves that open.
 */
export function stringsOf(name: string, tensor: OrtTensor): string[] {
  const data: unknown = dataOf(name, tensor);
  if (!Array.isArray(data))
    throw new OctetError('invalid-input', `input '${name}': its data is not an array of strings`);
  const wrong = data.findIndex((element) => typeof element !== 'string');
  if (wrong !== -1)
    throw new OctetError('invalid-input', `input '${name}': element ${wrong} is not a string`);
  return data.map((text: string) => text.replace(/\p{Surrogate}/gu, '\ufffd'));
}

/** A result. */
export const makeTensor = (type: ElementType, data: unknown, dims: number[]): OrtTensor =>
  new (Tensor as unknown as new (...args: unknown[]) => OrtTensor)(type, data, dims);
