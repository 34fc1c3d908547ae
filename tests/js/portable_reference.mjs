import * as ort from 'onnxruntime-web';

ort.env.wasm.numThreads = 1;
ort.env.logLevel = 'error';

/** onnxruntime's plain kernels in WebAssembly, which answer the same on every processor; for `runOnce` and its like (sessions.mjs). */
export const portableReference = {
  name: 'onnxruntime-web',
  Tensor: ort.Tensor,
  createSession: (model) => ort.InferenceSession.create(model, { executionProviders: ['wasm'] }),
};
