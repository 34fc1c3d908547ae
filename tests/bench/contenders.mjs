/** The sessions that a benchmark runs against each other, all with onnxruntime's API, on one thread unless told. */
import * as ort from 'onnxruntime-web';
import { importAgain, octet } from '../js/package_under_test.mjs';

octet.env.wasm.numThreads = 1;
ort.env.wasm.numThreads = 1;
ort.env.logLevel = 'error';

export { octet };

const libraries = {
  octet: { library: octet, options: {} },
  ort: { library: ort, options: { executionProviders: ['wasm'] } },
};

export const sides = Object.keys(libraries);

/** Before the first session: which kernels Octet uses, as its `env.wasm.simd`; undefined: those of its choice. */
export function chooseKernels(simd) {
  octet.env.wasm.simd = simd;
}

/** Before the first session: gives onnxruntime-web `threads`, and Octet as many on a further side, 'octetThreads'. */
export async function addThreads(threads) {
  if (libraries.octetThreads) return;
  const library = await importAgain();
  library.env.wasm.numThreads = threads;
  library.env.wasm.simd = octet.env.wasm.simd;
  ort.env.wasm.numThreads = threads;
  libraries.octetThreads = { library, options: {} };
}

const now = () => performance.now();

/** A session with its feeds: how long it took to make, and how long its first run took. */
async function openContender({ library, options }, model, feeds, more) {
  const start = now();
  const session = await library.InferenceSession.create(model, { ...options, ...more });
  const created = now();
  const tensors = Object.fromEntries(
    Object.entries(feeds).map(([name, { type, dims, data }]) => [
      name,
      new library.Tensor(type, data, dims),
    ]),
  );
  const run = () => session.run(tensors);
  const ready = now();
  await run();
  return {
    session,
    run,
    createMs: created - start,
    firstRunMs: now() - ready,
    release: () => session.release(),
  };
}

/** @param {'octet' | 'ort'} side */
export const openSession = (side, model, feeds, more = {}) =>
  openContender(libraries[side], model, feeds, more);
