/** The sessions that a benchmark runs against each other, all with onnxruntime's API and one thread. */
import * as ort from 'onnxruntime-web';
import { octet } from '../js/package_under_test.mjs';

ort.env.wasm.numThreads = 1;
ort.env.logLevel = 'error';

export { octet };

const libraries = {
  octet: { library: octet, options: {} },
  ort: { library: ort, options: { executionProviders: ['wasm'] } },
};

export const sides = Object.keys(libraries);

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
