/**
 * The process that runs tests in the package: reads requests and writes replies (wire.mjs). Its argument is the address of the
 * installed package's module.
 */
import readline from 'node:readline';
import { fromPackage, toPackage, TypeRefused } from './package_values.mjs';
import { decodeRequest, encodeError, encodeOutputs } from './wire.mjs';

console.log = console.error; // standard output is for replies
const { InferenceSession, Tensor, OctetError } = await import(process.argv[2]);

async function outputsOf({ model, feeds }) {
  const session = await InferenceSession.create(model);
  try {
    const named = Object.fromEntries(
      feeds.map(([name, value]) => [name, toPackage(Tensor, value)]),
    );
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
