/** Registers Octet as backends 'wasm' and 'cpu' of onnxruntime-common: `import 'octet-web/backend'`. */
import { type Backend, registerBackend } from 'onnxruntime-common';
import { InferenceSession, type SessionOptions } from './index.js';

const backend: Backend = {
  init: async () => {},
  createInferenceSessionHandler: async (source, options) => {
    const session = await InferenceSession.create(source, options as SessionOptions);
    return {
      inputNames: session.inputNames,
      outputNames: session.outputNames,
      inputMetadata: session.inputMetadata,
      outputMetadata: session.outputMetadata,
      run: async (feeds, fetches, runOptions) => session.run(feeds, fetches, runOptions),
      dispose: () => session.release(),
      startProfiling: () => session.startProfiling(),
      endProfiling: () => session.endProfiling(),
    } as Awaited<ReturnType<Backend['createInferenceSessionHandler']>>;
  },
};

registerBackend('wasm', backend, 20);
registerBackend('cpu', backend, 20);
