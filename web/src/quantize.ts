import { type Engine, type QuantizeJob } from './engine.js';
import { OctetError, rejectUnknownKeys, throwIfAborted } from './errors.js';
import type { ModelSummary } from './inspect.js';
import { type ExternalData, openModel } from './model.js';
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
  /** Weights become integers now, activations are measured at each run. */
  mode: 'dynamic';
  weights?: {
    /** Default 'int8'. */
    type?: 'int8' | 'uint8';
    /** Zero in the middle of the range; default true for int8, false for uint8. */
    symmetric?: boolean;
    /** A scale per output channel instead of one per tensor; default true. */
    perChannel?: boolean;
  };
  /** Only these nodes, and of these also the ones that would stay in float: see `QuantizationReport.floatNodes`. */
  include?: NodeFilter;
  /** All but these nodes. */
  exclude?: NodeFilter;
  /** Only nodes of these operators: MatMul, Gemm, Conv, LSTM. */
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
  /** Of the rounded weights against the original ones; null when nothing was lost. */
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
  'include',
  'exclude',
  'opTypes',
  'externalData',
  'signal',
  'onProgress',
];

function checkOptions(options: QuantizeOptions): void {
  if (typeof options !== 'object' || options === null)
    throw new OctetError(
      'invalid-option',
      "quantize: options with a mode expected, e.g. {mode: 'dynamic'}",
    );
  if (options.mode !== 'dynamic')
    throw new OctetError(
      'invalid-option',
      `quantize: mode '${options.mode}'; 'dynamic' is supported`,
    );
  rejectUnknownKeys(options, knownOptions, 'quantize');
  const weights = options.weights ?? {};
  rejectUnknownKeys(weights, ['type', 'symmetric', 'perChannel'], 'quantize: weights');
  if (weights.type !== undefined && weights.type !== 'int8' && weights.type !== 'uint8')
    throw new OctetError(
      'invalid-option',
      `weights.type: '${weights.type}'; int8 or uint8 expected`,
    );
  for (const key of ['symmetric', 'perChannel'] as const)
    if (weights[key] !== undefined && typeof weights[key] !== 'boolean')
      throw new OctetError('invalid-option', `weights.${key}: true or false expected`);
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
      module.quantizeDynamic(handle, {
        weightType: typeNumber(type) as number,
        symmetric: options.weights?.symmetric ?? type === 'int8',
        perChannel: options.weights?.perChannel ?? true,
        excludeNodes,
        opTypes: [...(options.opTypes ?? [])],
        spectraInFloat: options.include === undefined,
      }),
    );
    job = started;
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
