/**
 * Creates, runs and releases sessions, and says as JSON how many bytes there are in the heaps of WebAssembly and of JavaScript
 * after each hundred. Arguments: the package's module, the model's file, settings of env.wasm, how many cycles.
 */
import fs from 'node:fs';
import { watchMemories } from './wasm_memory.mjs';

const [module, file, settings, cycles] = process.argv.slice(2);
const wasmBytes = watchMemories();
const { InferenceSession, Tensor, env } = await import(module);
Object.assign(env.wasm, JSON.parse(settings));
const model = new Uint8Array(fs.readFileSync(file));
const threads = new Set();

async function cycle() {
  const session = await InferenceSession.create(model);
  const feeds = session.inputMetadata.map(({ name, shape }) => {
    const dims = shape.map((dim) => (typeof dim === 'number' ? dim : 1));
    const size = dims.reduce((product, dim) => product * dim, 1);
    return [name, new Tensor('float32', new Float32Array(size).fill(0.5), dims)];
  });
  await session.run(Object.fromEntries(feeds));
  threads.add(env.octet.threads);
  await session.release();
}

/** Of what is alive: what finalizers and finished workers let go of takes turns of the loop. */
async function javaScriptBytes() {
  let least = Infinity;
  for (let calm = 0; calm < 5; ) {
    globalThis.gc();
    await new Promise((resolve) => setTimeout(resolve, 20));
    const { heapUsed, external } = process.memoryUsage();
    calm = heapUsed + external < least ? 0 : calm + 1;
    least = Math.min(least, heapUsed + external);
  }
  return least;
}

const points = [];
const note = async (done) =>
  points.push({ done, wasm: wasmBytes(), javaScript: await javaScriptBytes() });
for (let done = 1; done <= Number(cycles); ++done) {
  await cycle();
  if (done === 50 || done % 100 === 0) await note(done);
}
console.log(JSON.stringify({ points, threads: [...threads] }));
process.exit();
