/** The tests' values (values.mjs) as the package's, made with its Tensor, and back. */
import { bytesOf, elementTypes } from './values.mjs';

const typeNumbers = new Map(
  Object.entries(elementTypes).map(([number, { name }]) => [name, Number(number)]),
);

/** Says that the package's Tensor has no such type, which is not the engine's failure. */
export class TypeRefused extends Error {
  code = 'no-tensor-type';
}

function makeTensor(Tensor, { type, dims, bytes, strings }) {
  const { name, array } = elementTypes[type];
  const data = strings ?? new array(Uint8Array.from(bytes).buffer);
  try {
    return new Tensor(name, data, dims);
  } catch (error) {
    throw /unsupported tensor type/i.test(error.message) ? new TypeRefused(error.message) : error;
  }
}

export function toPackage(Tensor, value) {
  if (value === null) return null;
  return Array.isArray(value)
    ? value.map((item) => toPackage(Tensor, item))
    : makeTensor(Tensor, value);
}

export function fromPackage(value) {
  if (value === null || value === undefined) return null;
  if (Array.isArray(value)) return value.map(fromPackage);
  const { type: name, dims, data } = value;
  const type = typeNumbers.get(name);
  return name === 'string'
    ? { type, dims, strings: data }
    : { type, dims: [...dims], bytes: bytesOf(data) };
}
