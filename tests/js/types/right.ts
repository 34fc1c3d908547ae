/** What compiles: every option of every mode, and options of a program that learns the mode when it runs. */
import {
  InferenceSession,
  type DynamicQuantizeOptions,
  type Feeds,
  type QuantizeMode,
  type QuantizeOptions,
  type QuantizeOptionsOf,
  type QuantizeResult,
  type Samples,
  Tensor,
  compare,
  quantize,
} from 'octet-web';

declare const source: Uint8Array;
declare const calibration: Samples;
declare const mode: QuantizeMode;
declare const eitherMode: 'dynamic' | 'static';
declare const fromForm: QuantizeOptions;
declare const signal: AbortSignal;

const common = {
  measure: false,
  include: /conv|gemm/i,
  exclude: ['no such node'],
  externalData: [{ path: 'weights.bin', data: new Uint8Array(1) }],
  signal: new AbortController().signal,
  onProgress: ({ phase, done, total }: { phase: string; done: number; total: number }) =>
    console.log(phase, done / total),
};
const chosen = { force: true, opTypes: ['Conv'] as const };

/** Of each call that it gets the model that it asks for. */
export const everyMode = (
  source: Uint8Array,
  calibration: Samples,
): (() => Promise<QuantizeResult>)[] => [
  () => quantize(source, { mode: 'dynamic' }),
  () =>
    quantize(source, {
      mode: 'dynamic',
      weights: {
        type: 'uint8',
        symmetric: true,
        reduceRange: true,
        perChannel: false,
        method: 'mse',
      },
      correct: { equalize: true },
      ...common,
      ...chosen,
    }),
  () =>
    quantize(source, {
      mode: 'dynamic',
      calibration,
      correct: { equalize: true, biasCorrection: true, smoothQuant: 0.5 },
    }),
  () => quantize(source, { mode: 'static', calibration }),
  () =>
    quantize(source, {
      mode: 'static',
      calibration,
      weights: { type: 'int8', method: 'adaround' },
      activations: { method: 'percentile', percentile: 99.9, adaptive: false, symmetric: true },
      correct: { biasCorrection: true },
      format: 'qoperator',
      ...common,
      ...chosen,
    }),
  () => quantize(source, { mode: 'static', calibration, activations: { type: 'uint16' } }),
  () =>
    quantize(source, {
      mode: 'static',
      calibration,
      activations: { scheme: 'log2', type: 'int8' },
    }),
  () => quantize(source, { mode: 'weight-only', weights: { type: 'int4', blockSize: 64 } }),
  () =>
    quantize(source, { mode: 'weight-only', weights: { type: 'float16' }, ...common, ...chosen }),
  () =>
    quantize(source, {
      mode: 'weight-only',
      calibration,
      weights: { type: 'int4', method: 'gptq' },
    }),
  () =>
    quantize(source, { mode: 'mixed', calibration, target: { maxSizeBytes: 1e6, minSqnrDb: 30 } }),
  () =>
    quantize(source, {
      mode: 'mixed',
      calibration,
      target: { maxLatencyMs: 5 },
      weights: { reduceRange: true },
      activations: { method: 'mse' },
      ...common,
    }),
];

export const samples = (feeds: Feeds, make: () => AsyncGenerator<Feeds>) => [
  quantize(source, { mode: 'static', calibration: [feeds] }),
  quantize(source, { mode: 'static', calibration: make() }),
  quantize(source, { mode: 'static', calibration: { [Symbol.asyncIterator]: make, length: 3 } }),
  compare(source, source, new Set([feeds]), { layers: false }),
];

export function whenTheModeIsKnownLate(): Promise<QuantizeResult>[] {
  const options: QuantizeOptions = { mode };
  if (mode === 'weight-only') options.weights = { type: 'int4' };
  const several: QuantizeOptionsOf<'dynamic' | 'static'> = { mode: eitherMode, calibration };
  const strict: DynamicQuantizeOptions = { mode: 'dynamic' };
  strict.weights = { perChannel: false };
  return [
    quantize(source, fromForm),
    quantize(source, { ...fromForm, signal, calibration }),
    quantize(source, options),
    quantize(source, { mode, calibration, weights: { type: 'int8' } }),
    quantize(source, { mode: eitherMode, calibration, weights: { type: 'int8' } }),
    quantize(source, several),
    quantize(source, { ...strict, signal }),
    quantize(source, { mode: 'static', calibration } satisfies QuantizeOptions),
  ];
}

export async function anyResult(): Promise<Blob> {
  const { model, report } = await quantize(source, { mode: 'dynamic' });
  report.tensors.map(({ name, scale }) => `${name} ${scale.max}`);
  await using session = await InferenceSession.create(model);
  const { y } = await session.run({ x: new Tensor('float32', [1, 2], [2]) });
  console.log(y.dims, session.profile.length);
  return new Blob([model]);
}
