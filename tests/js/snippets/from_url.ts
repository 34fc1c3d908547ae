/** A session from a URL with options, what it says of itself, and one run. */
import * as ort from 'onnxruntime-web';

const options: ort.InferenceSession.SessionOptions = {
  executionProviders: ['wasm'],
  graphOptimizationLevel: 'all',
  enableCpuMemArena: true,
  enableMemPattern: true,
  executionMode: 'sequential',
  logId: 'snippet',
  logSeverityLevel: 3,
  extra: { session: { set_denormal_as_zero: '1' } },
};

export async function example({ model }: { model: string }) {
  const session: ort.InferenceSession = await ort.InferenceSession.create(model, options);
  const ports: readonly ort.InferenceSession.ValueMetadata[] = session.inputMetadata;
  const first = ports[0];
  if (!first.isTensor) throw new Error('a tensor expected');
  const type: ort.Tensor.Type = first.type;
  const rows = new ort.Tensor(
    'float32',
    Float32Array.from({ length: 8 }, (_, i) => Math.sin(i)),
    [2, 4],
  );
  const results: ort.InferenceSession.ReturnType = await session.run({ [first.name]: rows });
  const output: ort.Tensor = results[session.outputNames[0]];
  await session.release();
  return {
    names: [...session.inputNames, ...session.outputNames],
    type,
    shape: first.shape,
    dims: output.dims,
    numbers: output.data as Float32Array,
  };
}
