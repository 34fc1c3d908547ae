/** Flags that are set before the first session, and a model whose weights are in a file of their own. */
import { env, InferenceSession, Tensor } from 'onnxruntime-web';
import type { Env } from 'onnxruntime-web';

function configure(flags: Env.WebAssemblyFlags): void {
  flags.numThreads = 1;
  flags.simd = true;
  flags.proxy = false;
  flags.initTimeout = 30_000;
}

export async function example(files: { outside: Uint8Array; weights: Uint8Array }) {
  configure(env.wasm);
  env.logLevel = 'error';
  env.debug = false;
  const session = await InferenceSession.create(files.outside, {
    executionProviders: [{ name: 'wasm' }],
    externalData: [{ path: 'weights.bin', data: files.weights }],
    preferredOutputLocation: 'cpu',
  });
  const x = new Tensor(Float32Array.of(1, 2, 3, 4), [1, 4]);
  const { probabilities } = await session.run({ x });
  await session.release();
  return { numbers: probabilities.data as Float32Array, level: env.logLevel };
}
