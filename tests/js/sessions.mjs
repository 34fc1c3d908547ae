/** Runs the cases of tests/models/networks.mjs, and single models, on any library with onnxruntime's API. */
import ort from 'onnxruntime-node';

/** onnxruntime with session options of its own. */
export const onnxruntime = (options) => ({
  name: 'onnxruntime',
  Tensor: ort.Tensor,
  createSession: (model) => ort.InferenceSession.create(model, { logSeverityLevel: 3, ...options }),
});

/** onnxruntime, the outside reference. */
export const reference = onnxruntime();

/**
 * On processors without VNNI, onnxruntime's products of u8 activations with s8 weights saturate in 16 bits. With this option it
 * chooses exact ones, which it only has for u8 activations.
 */
export const exactReference = onnxruntime({ extra: { session: { x64quantprecision: '1' } } });

/** It computes every node as the file has it: real numbers between Q/DQ pairs. */
export const unoptimized = onnxruntime({ graphOptimizationLevel: 'disabled' });

/** The same handle on Octet. */
export const candidate = ({ InferenceSession, Tensor }) => ({
  name: 'octet',
  Tensor,
  createSession: (model) => InferenceSession.create(model),
});

const toTensor = (library, { type, dims, data }) => new library.Tensor(type, data, dims);

const toFeeds = (library, feeds) =>
  Object.fromEntries(
    Object.entries(feeds).map(([name, value]) => [name, toTensor(library, value)]),
  );

/** Runs the steps of a case in one session; yields the outputs of each. */
export async function* stepThrough(library, session, steps) {
  let previous;
  for (const { feeds, carry = {} } of steps) {
    const carried = Object.entries(carry).map(([input, output]) => [input, previous[output]]);
    previous = await session.run({ ...toFeeds(library, feeds), ...Object.fromEntries(carried) });
    yield previous;
  }
}

/** The same; returns the outputs of all. */
export async function runSteps(library, session, steps) {
  const results = [];
  for await (const outputs of stepThrough(library, session, steps)) results.push(outputs);
  return results;
}

/** Calls `use` with a session, which is released whatever happens. */
export async function withSession(library, model, use) {
  const session = await library.createSession(model);
  try {
    return await use(session);
  } finally {
    await session.release();
  }
}

/** Runs a model once. */
export async function runOnce(library, model, feeds) {
  return withSession(library, model, async (session) => {
    const [outputs] = await runSteps(library, session, [{ feeds }]);
    return outputs;
  });
}
