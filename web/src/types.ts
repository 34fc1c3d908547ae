import type { Tensor } from 'onnxruntime-common';

/** ONNX's numbers (TensorProto.DataType) of the element types. */
const numbers: Partial<Record<Tensor.Type, number>> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  string: 8,
  bool: 9,
  float16: 10,
  float64: 11,
  uint32: 12,
  uint64: 13,
  uint4: 21,
  int4: 22,
};
const names = new Map(Object.entries(numbers).map(([name, number]) => [number, name]));

export function typeNumber(type: string): number | undefined {
  return numbers[type as Tensor.Type];
}

export function typeName(number: number): Tensor.Type | undefined {
  return names.get(number) as Tensor.Type | undefined;
}
