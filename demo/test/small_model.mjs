/** An ONNX file of two products with a Relu in between, written field by field as https://onnx.ai/onnx/repo-docs/IR.html has them. */

/** Protocol buffers: a field of a number, below 128, or of bytes. */
const number = (field, value) => [field << 3, value];
const bytes = (field, content) => {
  const { length } = content;
  const size = length < 128 ? [length] : [(length & 127) | 128, length >> 7];
  return [(field << 3) | 2, ...size, ...content];
};
const text = (field, value) => bytes(field, new TextEncoder().encode(value));

const float32 = 1;

function tensor(name, dims, values) {
  const data = new Uint8Array(Float32Array.from(values).buffer);
  return [
    ...dims.flatMap((dim) => number(1, dim)),
    ...number(2, float32),
    ...text(8, name),
    ...bytes(9, data),
  ];
}

function value(name, dims) {
  const shape = dims.flatMap((dim) => bytes(1, number(1, dim)));
  const type = bytes(1, [...number(1, float32), ...bytes(2, shape)]);
  return [...text(1, name), ...bytes(2, type)];
}

const node = (opType, name, inputs, output) => [
  ...inputs.flatMap((input) => text(1, input)),
  ...text(2, output),
  ...text(3, name),
  ...text(4, opType),
];

/** From x [1, 32] to y [1, 8]; `random` gives the weights. */
export function smallModel(random) {
  const weights = (name, dims) =>
    tensor(name, dims, Array.from({ length: dims[0] * dims[1] }, random));
  const graph = [
    ...bytes(1, node('MatMul', 'first', ['x', 'wide'], 'h')),
    ...bytes(1, node('Relu', 'between', ['h'], 'r')),
    ...bytes(1, node('MatMul', 'second', ['r', 'narrow'], 'y')),
    ...text(2, 'small'),
    ...bytes(5, weights('wide', [32, 16])),
    ...bytes(5, weights('narrow', [16, 8])),
    ...bytes(11, value('x', [1, 32])),
    ...bytes(12, value('y', [1, 8])),
  ];
  const opset = number(2, 17);
  return new Uint8Array([...number(1, 8), ...bytes(7, graph), ...bytes(8, opset)]);
}
