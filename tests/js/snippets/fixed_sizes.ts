/** Open dimensions that are given sizes, profiling, options of runs, and outputs whose memory is the caller's. */
import * as ort from 'onnxruntime-web';

export async function example({ bytes }: { bytes: Uint8Array }) {
  const session = await ort.InferenceSession.create(bytes, {
    freeDimensionOverrides: { batch: 3 },
    enableProfiling: false,
  });
  const feeds: Record<string, ort.Tensor> = {
    x: new ort.Tensor('float32', new Float32Array(12).fill(0.5), [3, 4]),
  };
  const options: ort.InferenceSession.RunOptions = { tag: 'first', logSeverityLevel: 3 };
  session.startProfiling();
  const { probabilities } = await session.run(feeds, options);
  const target = new ort.Tensor('float32', new Float32Array(9), [3, 3]);
  const again = await session.run(feeds, { probabilities: target }, { tag: 'second' });
  session.endProfiling();
  const refused = await session
    .run(feeds, { terminate: true })
    .then(() => false)
    .catch((error: Error) => error instanceof Error);
  await session.release();
  return {
    numbers: probabilities.data as Float32Array,
    isSameMemory: again.probabilities === target,
    refused,
  };
}
