import { type Engine, type QuantizeJob, type SpectrumHandling } from './engine.js';
import { EngineRunner } from './engine_runner.js';
import { throwIfAborted } from './errors.js';
import { type Quantized, type RunJob, isMeasured, quantizeMeasured } from './correct.js';
import type { ModelSummary } from './inspect.js';
import { measure, whyUnmeasured } from './measure.js';
import { quantizeMixed } from './mixed.js';
import { type Model, openModel, readModelAgain } from './model.js';
import { matches } from './node_filter.js';
import { inSlices } from './pause.js';
import { proxy } from './proxy.js';
import {
  type QuantizeMode,
  type QuantizeOptions,
  type QuantizeOptionsOf,
  checkOptions,
} from './quantize_options.js';
import type { QuantizationReport } from './report.js';
import { type Samples, forEachSample } from './samples.js';
import { InferenceSession } from './session.js';
import type { OwnBytes, Source } from './source.js';
import { typeNumber } from './types.js';

function excludedNodes(summary: ModelSummary, { include, exclude }: QuantizeOptions): string[] {
  return summary.nodeList
    .filter((node) => (include && !matches(include, node)) || (exclude && matches(exclude, node)))
    .map((node) => node.name);
}

const weightsOf = ({ mode, weights = {} }: QuantizeOptions) => {
  const { type = 'int8', symmetric = type.startsWith('int') } = weights;
  return {
    type: typeNumber(type) as number,
    symmetric,
    reduceRange: weights.reduceRange ?? false,
    perChannel: weights.perChannel ?? true,
    blockSize: weights.blockSize ?? (mode === 'weight-only' ? 32 : 0),
    method: weights.method ?? 'minmax',
  };
};

const activationsOf = ({ mode, activations = {} }: QuantizeOptions) => {
  if (mode !== 'static') return undefined;
  const { type = 'uint8', symmetric = type.startsWith('int') } = activations;
  return {
    scheme: activations.scheme ?? 'linear',
    type: typeNumber(type) as number,
    symmetric,
    method: activations.method ?? 'minmax',
    percentile: activations.percentile ?? 99.99,
    adaptive: activations.adaptive ?? true,
  };
};

/** Runs the float model on every sample. */
async function calibrate(
  engine: Engine,
  job: QuantizeJob,
  { calibration, signal, onProgress }: QuantizeOptions,
): Promise<void> {
  const samples = calibration as Samples;
  const handle = engine.call(() => job.calibrationSession());
  const session = InferenceSession.wrap(new EngineRunner(engine, handle));
  try {
    await forEachSample(samples, { what: 'calibration', signal }, async (feeds, index) => {
      await session.runInSlices(feeds, signal, []);
      await inSlices(() => engine.call(() => job.digest()), signal);
      const done = index + 1;
      onProgress?.({ phase: 'calibration', done, total: samples.length ?? done });
    });
  } finally {
    await session.release();
  }
}

/** Steps through the job. */
async function runJob(engine: Engine, job: QuantizeJob, options: QuantizeOptions): Promise<void> {
  const total = engine.get(() => job.total());
  if (total === 0) return;
  await inSlices(() => {
    const more = engine.call(() => job.step());
    options.onProgress?.({ phase: 'weights', done: engine.get(() => job.done()), total });
    return more;
  }, options.signal);
}

/** The bytes of the quantized model, and what was done to it. */
async function finish(
  engine: Engine,
  job: QuantizeJob,
  { signal }: QuantizeOptions,
): Promise<Quantized> {
  const { pieces, size, report } = engine.call(() => job.finish());
  const model = new Uint8Array(size);
  let [piece, end] = [0, 0];
  await inSlices(() => {
    if (piece === pieces) return false;
    const bytes = engine.call(() => job.piece(piece++));
    engine.copy(bytes, model, end);
    end += bytes.size;
    return true;
  }, signal);
  return { model, report: JSON.parse(report) };
}

/** Signals whose spectrum counts are read as int16 unless the options name another type, or nodes that have to be quantized. */
function spectraOf({ mode, include, activations = {} }: QuantizeOptions): SpectrumHandling {
  if (include !== undefined) return 'as-others';
  const { type = 'int16' } = activations;
  return mode === 'static' && type === 'int16' ? 'int16' : 'float';
}

/** What the module is told of a job, without the nodes that stay in float. */
const jobOptions = (options: QuantizeOptions, mode: string, calibrated: boolean) => ({
  mode,
  weights: weightsOf(options),
  format: options.format ?? (mode === 'weight-only' ? 'qoperator' : 'qdq'),
  calibrated,
  force: options.force ?? false,
  correctBias: options.correct?.biasCorrection ?? false,
  equalize: options.correct?.equalize ?? false,
  smooth: options.correct?.smoothQuant ?? 0,
  activations: activationsOf(options),
  opTypes: [...(options.opTypes ?? [])],
  spectra: spectraOf(options),
});

/** Whether a job looks at samples. */
function runsSamples({ calibration, correct, weights }: QuantizeOptions, mode: string): boolean {
  if (calibration === undefined) return false;
  if (mode === 'weight-only' && weights?.type === 'float16') return false;
  if (mode === 'rescale') return !!correct?.smoothQuant;
  return mode !== 'dynamic' || !!correct?.biasCorrection;
}

/** One job of the module: a quantization, or a rescaling of a float model. */
const quantizeOnce: RunJob = async (model, options, mode) => {
  const { signal, onProgress } = options;
  const { engine, handle } = await openModel(model, { isShared: true, signal, onProgress });
  let job: QuantizeJob | undefined;
  try {
    const filtered = options.include !== undefined || options.exclude !== undefined;
    const excludeNodes = filtered
      ? excludedNodes(JSON.parse(engine.call(() => handle.inspect([]))), options)
      : [];
    const calibrated = runsSamples(options, mode);
    const started = engine.call((module) =>
      module.quantize(handle, { ...jobOptions(options, mode, calibrated), excludeNodes }),
    );
    job = started;
    if (calibrated) await calibrate(engine, started, options);
    await runJob(engine, started, options);
    return await finish(engine, started, options);
  } finally {
    if (!engine.isDead) {
      engine.get(() => job?.delete());
      engine.get(() => handle.delete());
    }
  }
};

const quantizeUnmeasured = (model: Model, options: QuantizeOptions): Promise<Quantized> =>
  quantizeOnce(model, options, options.mode);

async function quantizeByMode(model: Model, options: QuantizeOptions): Promise<Quantized> {
  if (options.mode === 'mixed') return quantizeMixed(model, options, quantizeUnmeasured);
  if (isMeasured(options)) return quantizeMeasured(model, options, quantizeOnce);
  return quantizeUnmeasured(model, options);
}

/** What `quantize` gives. */
export interface QuantizeResult {
  /** The quantized model: a standard ONNX file. */
  model: OwnBytes;
  /** What was done to each tensor, and what it cost. */
  report: QuantizationReport;
}

/**
 * Quantizes a model on this device. The result is a standard ONNX file, which onnxruntime runs too. Bytes given as `source`
 * are not copied: leave them alone until this is done.
 *
 * Throws an `OctetError`: `invalid-option` (naming the option), `invalid-model`, `invalid-input` (naming the sample),
 * `unsupported-operator` (where samples have to be run), `out-of-memory`, `aborted`.
 * @param source - The model, in float, or quantized in part with `force`.
 * @param options - Where `mode` is one word for the compiler, the options that go with it (`QuantizeOptionsOf`); of a variable of
 * type `QuantizeOptions` any, which are checked when this is called.
 */
export function quantize<Mode extends QuantizeMode>(
  source: Source,
  options: { mode: Mode } & QuantizeOptionsOf<Mode>,
): Promise<QuantizeResult>;
export async function quantize(source: Source, options: QuantizeOptions): Promise<QuantizeResult> {
  checkOptions(options);
  throwIfAborted(options.signal);
  const worker = proxy();
  if (worker) return worker.quantize(source, options);
  const { externalData } = options;
  const unmeasured = whyUnmeasured(options);
  if (unmeasured) {
    const { model, report } = await quantizeByMode({ source, externalData }, options);
    return { model, report: { ...report, unmeasured } };
  }
  const before = await readModelAgain({ source, externalData }, options);
  const start = performance.now();
  const { model, report, rescaled } = await quantizeByMode(before, options);
  const quantizedMs = performance.now() - start;
  const sameUnits = rescaled ? { source: rescaled } : before;
  const models = { before, sameUnits, after: { source: model } };
  const measured = await measure(models, options, quantizedMs);
  return { model, report: { ...report, ...measured } };
}
