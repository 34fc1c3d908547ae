/**
 * Values of ONNX as the conformance tests hold them, and the files that the test data has them in:
 *
 *   { type, dims, bytes }      a tensor: the number of its element type in TensorProto.DataType, and its elements as raw_data
 *                              has them: little-endian, elements narrower than a byte packed, low bits first
 *   { type, dims, strings }    a tensor of strings
 *   [value…]                   a sequence
 *   null                       an optional without a value; one with a value is that value
 *
 * https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
 */
import { messageType } from '../models/onnx_schema.mjs';

/**
 * The element types: the name in the package's API, the array of the package's Tensor (its elements' bits where JavaScript
 * has no such number), bits per element, and the field of TensorProto that holds it when raw_data does not.
 */
export const elementTypes = {
  1: { name: 'float32', array: Float32Array, bits: 32, field: 'floatData' },
  2: { name: 'uint8', array: Uint8Array, bits: 8, field: 'int32Data' },
  3: { name: 'int8', array: Int8Array, bits: 8, field: 'int32Data' },
  4: { name: 'uint16', array: Uint16Array, bits: 16, field: 'int32Data' },
  5: { name: 'int16', array: Int16Array, bits: 16, field: 'int32Data' },
  6: { name: 'int32', array: Int32Array, bits: 32, field: 'int32Data' },
  7: { name: 'int64', array: BigInt64Array, bits: 64, field: 'int64Data' },
  8: { name: 'string' },
  9: { name: 'bool', array: Uint8Array, bits: 8, field: 'int32Data' },
  10: {
    name: 'float16',
    array: globalThis.Float16Array ?? Uint16Array,
    bits: 16,
    field: 'int32Data',
  },
  11: { name: 'float64', array: Float64Array, bits: 64, field: 'doubleData' },
  12: { name: 'uint32', array: Uint32Array, bits: 32, field: 'uint64Data' },
  13: { name: 'uint64', array: BigUint64Array, bits: 64, field: 'uint64Data' },
  14: { name: 'complex64', array: Float32Array, bits: 64, field: 'floatData' },
  15: { name: 'complex128', array: Float64Array, bits: 128, field: 'doubleData' },
  16: { name: 'bfloat16', array: Uint16Array, bits: 16, field: 'int32Data' },
  17: { name: 'float8e4m3fn', array: Uint8Array, bits: 8, field: 'int32Data' },
  18: { name: 'float8e4m3fnuz', array: Uint8Array, bits: 8, field: 'int32Data' },
  19: { name: 'float8e5m2', array: Uint8Array, bits: 8, field: 'int32Data' },
  20: { name: 'float8e5m2fnuz', array: Uint8Array, bits: 8, field: 'int32Data' },
  21: { name: 'uint4', array: Uint8Array, bits: 4, field: 'int32Data' },
  22: { name: 'int4', array: Uint8Array, bits: 4, field: 'int32Data' },
  23: { name: 'float4e2m1', array: Uint8Array, bits: 4, field: 'int32Data' },
  24: { name: 'float8e8m0', array: Uint8Array, bits: 8, field: 'int32Data' },
  25: { name: 'uint2', array: Uint8Array, bits: 2, field: 'int32Data' },
  26: { name: 'int2', array: Uint8Array, bits: 2, field: 'int32Data' },
};

const stringType = 8;
const uint16Type = 4;
const bfloat16Type = 16;

export const typeName = (type) => elementTypes[type]?.name ?? `element type ${type}`;
export const elementCount = (dims) => dims.reduce((count, dim) => count * dim, 1);

/** Values of a typed field as raw_data would have them: the low bytes of each. */
function fieldBytes({ array, field }, message) {
  const values = message[field];
  if (field === 'floatData') return bytesOf(Float32Array.from(values));
  if (field === 'doubleData') return bytesOf(Float64Array.from(values));
  const wide = BigInt64Array.from(values, (value) => BigInt(String(value)));
  const width = array.BYTES_PER_ELEMENT;
  const all = bytesOf(wide);
  const out = new Uint8Array(values.length * width);
  for (let i = 0; i < values.length; ++i) out.set(all.subarray(i * 8, i * 8 + width), i * width);
  return out;
}

export const bytesOf = (array) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

const utf8 = new TextDecoder('utf-8', { fatal: true });

function tensorOf(message) {
  const type = message.dataType;
  const dims = message.dims.map(Number);
  if (type === stringType) {
    return { type, dims, strings: message.stringData.map((text) => utf8.decode(text)) };
  }
  const element = elementTypes[type];
  if (!element) throw new Error(`a tensor of element type ${type}`);
  const raw = message.rawData;
  const bytes = raw?.length ? Uint8Array.from(raw) : fieldBytes(element, message);
  const size = Math.ceil((elementCount(dims) * element.bits) / 8);
  if (bytes.length !== size) {
    throw new Error(`a ${element.name} tensor of [${dims}] in ${bytes.length} bytes`);
  }
  return { type, dims, bytes };
}

function sequenceOf({ tensorValues, sequenceValues, optionalValues }) {
  return [
    ...tensorValues.map(tensorOf),
    ...sequenceValues.map(sequenceOf),
    ...optionalValues.map(optionalOf),
  ];
}

function optionalOf({ tensorValue, sequenceValue, optionalValue }) {
  if (tensorValue) return tensorOf(tensorValue);
  if (sequenceValue) return sequenceOf(sequenceValue);
  return optionalValue ? optionalOf(optionalValue) : null;
}

const TensorProto = messageType('TensorProto');
const SequenceProto = messageType('SequenceProto');
const OptionalProto = messageType('OptionalProto');

/** Early versions of the test data have the bits of bfloat16 tensors as uint16. */
function withDeclaredType(value, { elemType }) {
  const disguised = value.type === uint16Type && elemType === bfloat16Type;
  return disguised ? { ...value, type: bfloat16Type } : value;
}

/** The value in a file, whose kind only the TypeProto of the model's input or output tells. */
export function readValue(bytes, type) {
  if (type?.sequenceType) return sequenceOf(SequenceProto.decode(bytes));
  if (type?.optionalType) return optionalOf(OptionalProto.decode(bytes));
  if (type?.tensorType)
    return withDeclaredType(tensorOf(TensorProto.decode(bytes)), type.tensorType);
  throw new Error('neither a tensor nor a sequence nor an optional');
}
