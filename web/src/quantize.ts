import type { Feeds } from './compare.js';
import { type Engine, type QuantizeJob } from './engine.js';
import { OctetError, rejectUnknownKeys, throwIfAborted } from './errors.js';
import type { ModelSummary } from './inspect.js';
import { type ExternalData, openModel } from './model.js';
import { InferenceSession } from './session.js';
import type { Source } from './source.js';
import { typeNumber } from './types.js';

/** Which nodes: by name, by a pattern that the name matches, or by a function. */
export type NodeFilter =
  | readonly string[]
  | RegExp
  | ((node: { name: string; opType: string }) => boolean);

export interface QuantizeProgress {
  phase: string;
  done: number;
  total: number;
}

export interface QuantizeOptions {
  /**
   * Weights become integers now. What flows between the layers is measured at each run ('dynamic'), or gets fixed scales
   * from the samples in `calibration` ('static').
   */
  mode: 'dynamic' | 'static';
  weights?: {
    /** Default 'int8'. */
    type?: 'int8' | 'uint8';
    /** Zero in the middle of the range; default true for int8, false for uint8. */
    symmetric?: boolean;
    /** A scale per output channel instead of one per tensor; default true. */
    perChannel?: boolean;
  };
  /** Of static quantization: how the values between layers become integers. */
  activations?: {
    /** Default 'uint8'. */
    type?: 'uint8' | 'int8';
    /** Zero in the middle of the range; default false for uint8, true for int8. */
    symmetric?: boolean;
    /** How a range is chosen from what the samples show; default 'minmax'. */
    method?: 'minmax' | 'moving-average' | 'percentile' | 'entropy' | 'mse';
    /** Of the method 'percentile': how many of 100 values the range keeps; default 99.99. */
    percentile?: number;
  };
  /** Samples for static quantization, inputs by name. They are run one after the other and not kept. */
  calibration?: Iterable<Feeds> | AsyncIterable<Feeds>;
  /** Only these nodes, and of these also the ones that would stay in float: see `QuantizationReport.floatNodes`. */
  include?: NodeFilter;
  /** All but these nodes. */
  exclude?: NodeFilter;
  /** Only nodes of these operators: MatMul, Gemm, Conv; dynamic: LSTM; static: also those that pass integers on. */
  opTypes?: readonly string[];
  externalData?: ExternalData;
  signal?: AbortSignal;
  onProgress?: (progress: QuantizeProgress) => void;
}

export interface QuantizedTensorReport {
  name: string;
  /** The node that reads it. */
  node: string;
  type: string;
  /** Smallest and largest over its channels. */
  scale: { min: number; max: number };
  granularity: 'per-tensor' | 'per-channel';
  method: string;
  /** Of rounded weights against the original ones; null when nothing was lost, and for what flows between layers. */
  sqnrDb: number | null;
}

export interface QuantizationReport {
  mode: string;
  bytesBefore: number;
  bytesAfter: number;
  tensors: QuantizedTensorReport[];
  /**
   * Nodes with weights that stay in float, and why: what has no integer form, what the options leave out, and layers that
   * make or read a power spectrum whose small energies 8 bits would lose (`include` quantizes these too).
   */
  floatNodes: { name: string; opType: string; reason: string }[];
}

const knownOptions = [
  'mode',
  'weights',
  'activations',
  'calibration',
  'include',
  'exclude',
  'opTypes',
  'externalData',
  'signal',
  'onProgress',
];

const invalid = (message: string) => new OctetError('invalid-option', message);

/** A choice of types, and whether zero is in the middle: what weights and activations have in common. */
function checkTypes(name: string, given: { type?: string; symmetric?: boolean }): void {
  if (given.type !== undefined && given.type !== 'int8' && given.type !== 'uint8')
    throw invalid(`${name}.type: '${given.type}'; int8 or uint8 expected`);
  if (given.symmetric !== undefined && typeof given.symmetric !== 'boolean')
    throw invalid(`${name}.symmetric: true or false expected`);
}

function checkCalibration(options: QuantizeOptions): void {
  const { mode, activations, calibration } = options;
  if (mode === 'dynamic') {
    if (activations !== undefined || calibration !== undefined)
      throw invalid("activations, calibration: only mode 'static' has these");
    return;
  }
  const given = activations ?? {};
  rejectUnknownKeys(given, ['type', 'symmetric', 'method', 'percentile'], 'quantize: activations');
  checkTypes('activations', given);
  if (given.percentile !== undefined && typeof given.percentile !== 'number')
    throw invalid('activations.percentile: a number expected');
  const iterable = Object(calibration);
  if (!(Symbol.iterator in iterable || Symbol.asyncIterator in iterable))
    throw invalid("calibration: mode 'static' needs samples, an iterable of feeds");
}

function checkOptions(options: QuantizeOptions): void {
  if (typeof options !== 'object' || options === null)
    throw invalid("quantize: options with a mode expected, e.g. {mode: 'dynamic'}");
  if (options.mode !== 'dynamic' && options.mode !== 'static')
    throw invalid(`quantize: mode '${options.mode}'; 'dynamic' and 'static' are supported`);
  rejectUnknownKeys(options, knownOptions, 'quantize');
  const weights = options.weights ?? {};
  rejectUnknownKeys(weights, ['type', 'symmetric', 'perChannel'], 'quantize: weights');
  checkTypes('weights', weights);
  if (weights.perChannel !== undefined && typeof weights.perChannel !== 'boolean')
    throw invalid('weights.perChannel: true or false expected');
  checkCalibration(options);
}

function matches(filter: NodeFilter, node: { name: string; opType: string }): boolean {
  if (typeof filter === 'function') return filter(node);
  if (filter instanceof RegExp)
    return new RegExp(filter.source, filter.flags.replace('g', '')).test(node.name);
  if (Array.isArray(filter)) return filter.includes(node.name);
  throw new OctetError('invalid-option', 'include/exclude: names, a RegExp or a function expected');
}

function excludedNodes(summary: ModelSummary, { include, exclude }: QuantizeOptions): string[] {
  return summary.nodeList
    .filter((node) => (include && !matches(include, node)) || (exclude && matches(exclude, node)))
    .map((node) => node.name);
}

const yieldToEvents = () => new Promise<void>((resolve) => setTimeout(resolve, 0));

const activationsOf = ({ mode, activations = {} }: QuantizeOptions) => {
  if (mode !== 'static') return undefined;
  const { type = 'uint8', symmetric = type === 'int8' } = activations;
  return {
    type: typeNumber(type) as number,
    symmetric,
    method: activations.method ?? 'minmax',
    percentile: activations.percentile ?? 99.99,
  };
};

/** Runs the float model on every sample, letting events in between. */
async function calibrate(
  engine: Engine,
  job: QuantizeJob,
  { calibration, signal, onProgress }: QuantizeOptions,
): Promise<void> {
  const samples = calibration as Iterable<Feeds> | AsyncIterable<Feeds>;
  const total = Array.isArray(samples) ? samples.length : NaN;
  const handle = engine.call(() => job.calibrationSession());
  const session = InferenceSession.wrap(engine, handle, false);
  let done = 0;
  try {
    for await (const feeds of samples) {
      throwIfAborted(signal);
      await session.run(feeds);
      done += 1;
      onProgress?.({ phase: 'calibration', done, total: Number.isNaN(total) ? done : total });
      await yieldToEvents();
      throwIfAborted(signal);
    }
  } finally {
    await session.release();
  }
  if (done === 0) throw new OctetError('invalid-input', 'calibration: there are no samples');
}

/** Steps through the job, letting events (an abort, a repaint) in between whenever some time has passed. */
async function runJob(engine: Engine, job: QuantizeJob, options: QuantizeOptions): Promise<void> {
  const sliceMs = 30;
  const total = engine.get(() => job.total());
  let sliceEnd = performance.now() + sliceMs;
  for (let more = total > 0; more; ) {
    more = engine.call(() => job.step());
    options.onProgress?.({ phase: 'weights', done: engine.get(() => job.done()), total });
    if (performance.now() < sliceEnd) continue;
    await yieldToEvents();
    throwIfAborted(options.signal);
    sliceEnd = performance.now() + sliceMs;
  }
}

/**
 * Quantizes a model on this device. The result is a standard ONNX file, which onnxruntime runs too.
 * Throws `invalid-option`, `invalid-model`, `aborted`.
 */
export async function quantize(
  source: Source,
  options: QuantizeOptions,
): Promise<{ model: Uint8Array; report: QuantizationReport }> {
  checkOptions(options);
  throwIfAborted(options.signal);
  const { engine, handle } = await openModel(source, options.externalData);
  let job: QuantizeJob | undefined;
  try {
    const filtered = options.include !== undefined || options.exclude !== undefined;
    const excludeNodes = filtered
      ? excludedNodes(JSON.parse(engine.call(() => handle.inspect([]))), options)
      : [];
    const type = options.weights?.type ?? 'int8';
    const started = engine.call((module) =>
      module.quantize(handle, {
        weights: {
          type: typeNumber(type) as number,
          symmetric: options.weights?.symmetric ?? type === 'int8',
          perChannel: options.weights?.perChannel ?? true,
        },
        activations: activationsOf(options),
        excludeNodes,
        opTypes: [...(options.opTypes ?? [])],
        spectraInFloat: options.include === undefined,
      }),
    );
    job = started;
    if (options.mode === 'static') await calibrate(engine, started, options);
    await runJob(engine, started, options);
    throwIfAborted(options.signal);
    const { model, report } = engine.call(() => started.finish());
    return { model: engine.take(model), report: JSON.parse(report) };
  } finally {
    if (!engine.isDead) {
      engine.get(() => job?.delete());
      engine.get(() => handle.delete());
    }
  }
}
