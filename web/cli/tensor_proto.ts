/**
 * ONNX TensorProto files (.pb), as the ONNX backend tests store inputs: dims (field 1), data_type (2), typed data (4, 5, 7,
 * 10, 11) or raw_data (9). https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
 */
import { OctetError, type Tensor } from './index.js';
import { makeTensor } from './npy.js';

const types: Record<number, string> = {
  1: 'float32',
  2: 'uint8',
  3: 'int8',
  4: 'uint16',
  5: 'int16',
  6: 'int32',
  7: 'int64',
  9: 'bool',
  10: 'float16',
  11: 'float64',
  12: 'uint32',
  13: 'uint64',
};

const widths: Record<string, number> = {
  float32: 4,
  uint8: 1,
  int8: 1,
  uint16: 2,
  int16: 2,
  int32: 4,
  int64: 8,
  bool: 1,
  float16: 2,
  float64: 8,
  uint32: 4,
  uint64: 8,
};

interface Field {
  number: number;
  varint?: bigint;
  bytes?: Uint8Array;
}

function* fieldsOf(file: Uint8Array): Generator<Field> {
  let at = 0;
  const varint = () => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      if (at >= file.length || shift > 63n) throw new RangeError('truncated');
      const byte = file[at++];
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
  };
  const take = (size: number) => {
    if (size > file.length - at) throw new RangeError('truncated');
    return file.subarray(at, (at += size));
  };
  while (at < file.length) {
    const key = Number(varint());
    const number = key >> 3;
    if ((key & 7) === 0) yield { number, varint: varint() };
    else if ((key & 7) === 2) yield { number, bytes: take(Number(varint())) };
    else if ((key & 7) === 5) yield { number, bytes: take(4) };
    else if ((key & 7) === 1) yield { number, bytes: take(8) };
    else throw new RangeError('a field of unknown kind');
  }
}

function varintsOf({ varint, bytes }: Field): bigint[] {
  if (varint !== undefined) return [varint];
  return [...fieldsOfPacked(bytes ?? new Uint8Array())];
}

function* fieldsOfPacked(bytes: Uint8Array): Generator<bigint> {
  let value = 0n;
  let shift = 0n;
  for (const byte of bytes) {
    value |= BigInt(byte & 0x7f) << shift;
    shift += 7n;
    if (byte >= 0x80) continue;
    yield BigInt.asUintN(64, value);
    value = 0n;
    shift = 0n;
  }
}

function concatenated(parts: Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts));
}

/** Integers as little-endian bytes of the element's width. */
function packed(values: bigint[], width: number): Uint8Array {
  const out = new DataView(new ArrayBuffer(values.length * 8));
  values.forEach((value, i) => out.setBigUint64(i * 8, value, true));
  return concatenated(values.map((_, i) => new Uint8Array(out.buffer, i * 8, width)));
}

export function readTensorProto(file: Uint8Array, name: string): Tensor {
  let dims: number[] = [];
  let type = 0;
  let integers: bigint[] = [];
  const raw: Uint8Array[] = [];
  try {
    for (const field of fieldsOf(file)) {
      if (field.number === 1) dims = dims.concat(varintsOf(field).map(Number));
      else if (field.number === 2) type = Number(field.varint);
      else if ([5, 7, 11].includes(field.number)) integers = integers.concat(varintsOf(field));
      else if ([4, 9, 10].includes(field.number) && field.bytes) raw.push(field.bytes);
    }
  } catch (error) {
    throw new OctetError(
      'invalid-input',
      `${name}: not a TensorProto (${(error as Error).message})`,
    );
  }
  if (!types[type]) throw new OctetError('invalid-input', `${name}: element type ${type}`);
  const width = widths[types[type]];
  const bytes = raw.length ? concatenated(raw) : packed(integers, width);
  return makeTensor(types[type], bytes, dims);
}
