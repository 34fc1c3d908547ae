/**
 * The process that runs tests in the package: reads requests and writes replies (wire.mjs). Its argument is the address of the
 * installed package's module.
 */
import readline from 'node:readline';
import { bytesOf, elementTypes } from './values.mjs';
import { decodeRequest, encodeError, encodeOutputs } from './wire.mjs';

console.log = console.error; // standard output is for replies
const { InferenceSession, Tensor, OctetError } = await import(process.argv[2]);

const typeNumbers = new Map(
  Object.entries(elementTypes).map(([number, { name }]) => [name, Number(number)]),
);

/** Says that the package's Tensor has no such type, which is not the engine's failure. */
class TypeRefused extends Error {
  code = 'no-tensor-type';
}

function makeTensor({ type, dims, bytes, strings }) {
  const { name, array } = elementTypes[type];
  const data = strings ?? new array(Uint8Array.from(bytes).buffer);
  try {
    return new Tensor(name, data, dims);
  } catch (error) {
    throw /unsupported tensor type/i.test(error.message) ? new TypeRefused(error.message) : error;
  }
}

function toPackage(value) {
  if (value === null) return null;
  return Array.isArray(value) ? value.map(toPackage) : makeTensor(value);
}

function fromPackage(value) {
  if (value === null || value === undefined) return null;
  if (Array.isArray(value)) return value.map(fromPackage);
  const { type: name, dims, data } = value;
  const type = typeNumbers.get(name);
  return name === 'string'
    ? { type, dims, strings: data }
    : { type, dims: [...dims], bytes: bytesOf(data) };
}

async function outputsOf({ model, feeds }) {
  const session = await InferenceSession.create(model);
  try {
    const named = Object.fromEntries(feeds.map(([name, value]) => [name, toPackage(value)]));
    const results = await session.run(named);
    return session.outputNames.map((name) => fromPackage(results[name]));
  } finally {
    await session.release();
  }
}

async function replyTo(line) {
  try {
    return encodeOutputs(await outputsOf(decodeRequest(line)));
  } catch (error) {
    const known = error instanceof OctetError || error instanceof TypeRefused;
    return encodeError(known ? error.code : 'exception', String(error.message ?? error));
  }
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  process.stdout.write(`${await replyTo(line)}\n`);
}
process.exit();
