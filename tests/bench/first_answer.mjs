/**
 * One network's first answer in a process of its own: `node first_answer.mjs ENTRY MODEL NETWORK CASE [SIMD]`, where ENTRY is
 * the module of a library with onnxruntime's API and SIMD what its `env.wasm.simd` becomes. Prints as JSON the milliseconds of import, session creation and first run,
 * and the bytes of all WebAssembly memories afterwards, which is their peak, as they never shrink.
 */
import fs from 'node:fs';
import { watchMemories } from '../js/wasm_memory.mjs';
import { casesOf, network } from '../models/networks.mjs';

async function measure(entry, model, feeds, simd) {
  const now = () => performance.now();
  const start = now();
  const library = await import(entry);
  library.env.wasm.numThreads = 1;
  if (simd !== undefined) library.env.wasm.simd = simd;
  library.env.logLevel = 'error';
  const imported = now();
  const session = await library.InferenceSession.create(model, { executionProviders: ['wasm'] });
  const created = now();
  const tensors = Object.entries(feeds).map(([name, { type, dims, data }]) => [
    name,
    new library.Tensor(type, data, dims),
  ]);
  await session.run(Object.fromEntries(tensors));
  return { importMs: imported - start, createMs: created - imported, firstRunMs: now() - created };
}

const [entry, file, name, variant, simd] = process.argv.slice(2);
const model = new Uint8Array(fs.readFileSync(file));
const { feeds } = casesOf(network(name))[variant].steps[0];
const heapBytes = watchMemories();
const times = await measure(entry, model, feeds, simd);
console.log(JSON.stringify({ ...times, heapBytes: heapBytes() }));
process.exit();
