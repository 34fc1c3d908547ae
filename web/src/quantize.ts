import { type Engine, type QuantizeJob } from './engine.js';
import { EngineRunner } from './engine_runner.js';
import { OctetError, checkSignal, rejectUnknownKeys, throwIfAborted } from './errors.js';
import {
  type Corrections,
  type Quantized,
  type RunJob,
  checkCorrections,
  isMeasured,
  quantizeMeasured,
} from './correct.js';
import type { ModelSummary } from './inspect.js';
import { measure, whyUnmeasured } from './measure.js';
import { type MixedTarget, checkMixed, quantizeMixed } from './mixed.js';
import { type ExternalData, openModel } from './model.js';
import { type NodeFilter, matches } from './node_filter.js';
import { inSlices, orAborted } from './pause.js';
import type { Progress } from './progress.js';
import { proxy } from './proxy.js';
import { type Samples, checkSamples, forEachSample } from './samples.js';
import { InferenceSession } from './session.js';
import { type Source, readAgain } from './source.js';
import { typeNumber } from './types.js';

export type QuantizeProgress = Progress;

export interface QuantizeOptions {
  /**
   * Weights become small now. What flows between the layers is measured at each run ('dynamic'), gets fixed scales from
   * the samples in `calibration` ('static'), or stays float ('weight-only'). 'mixed' decides node by node, so that the
   * model meets `target`; it runs the samples many times and takes minutes for large models.
   */
  mode: 'dynamic' | 'static' | 'weight-only' | 'mixed';
  /** Of mode 'mixed', which needs one of these at least. Of the models that meet it the fastest is returned. */
  target?: MixedTarget;
  weights?: {
    /** Default 'int8'. The types of 4 bits and float16 are for mode 'weight-only'. */
    type?: 'int8' | 'uint8' | 'int4' | 'uint4' | 'float16';
    /** Zero in the middle of the range; default true for int8 and int4, false for uint8 and uint4. */
    symmetric?: boolean;
    /** Not of mode 'weight-only': a scale per output channel instead of one per tensor; default true. */
    perChannel?: boolean;
    /** Of mode 'weight-only': weights of a matrix that share a scale, a power of two from 16 to 256; default 32. */
    blockSize?: number;
    /**
     * How the range of a tensor, channel or block follows from its weights, default 'minmax': its extremes; 'mean': at most
     * a width that their mean magnitude tells; 'mse': that of the least squared error.
     * Of mode 'weight-only': 'gptq' chooses the codes so that results change least on the samples in `calibration`, and
     * where these say nothing (embeddings, layers that they don't reach or whose sums have more than 8192 terms) goes by
     * 'mse', as the report names it.
     * Of mode 'static': 'adaround' rounds each weight up or down, whichever changes the results least on the samples (where
     * these say nothing: to nearest).
     */
    method?: 'minmax' | 'mean' | 'mse' | 'gptq' | 'adaround';
  };
  /**
   * Of mode 'weight-only': blocks become MatMulNBits and GatherBlockQuantized of onnxruntime ('qoperator', the default),
   * or DequantizeLinear nodes of ONNX in front of float operators ('qdq'). Of 'static': float operators between
   * QuantizeLinear and DequantizeLinear ('qdq', the default), or operators on codes ('qoperator': QLinearConv and
   * QLinearMatMul of ONNX, QGemm, QLinearAdd and their like of onnxruntime); what has no such operator keeps its pairs.
   */
  format?: 'qdq' | 'qoperator';
  /** Quantizes what a model left in float that holds quantized operators already, instead of refusing it. */
  force?: boolean;
  /** Of modes 'static' and 'mixed': how the values between layers become integers. */
  activations?: {
    /**
     * Of mode 'static': 'linear' (default) spaces levels evenly; 'log2' takes 0 and ± powers of two, as many of each sign as
     * the sums of their readers leave room for, 15 at most. Then only what products read is quantized, a product with an
     * activation is a shift, exactly so on this engine, and `QuantizationReport.schemes` tells what it costs: much, as every
     * value is up to a third off.
     */
    scheme?: 'linear' | 'log2';
    /**
     * Default 'uint8'. The types of 16 bits are for mode 'static' with format 'qdq' and scheme 'linear': nearly exact, at the
     * speed of float. Below operator set 21 they are written with onnxruntime's own QuantizeLinear and DequantizeLinear.
     */
    type?: 'uint8' | 'int8' | 'uint16' | 'int16';
    /** Zero in the middle of the range; default false for unsigned types, true for signed ones. Scheme log2 is symmetric. */
    symmetric?: boolean;
    /**
     * How a range is chosen from what the samples show; default 'minmax': the extremes of all samples. 'mean' and
     * 'moving-average': the mean of each sample's extremes, in the latter the last hundred samples or so; 'percentile',
     * 'entropy' and 'mse' clip by a histogram of all values. Scheme log2 has none of the last two. With 16 bits, which are
     * more codes than that histogram has bins, 'entropy' keeps the full range.
     */
    method?: 'minmax' | 'moving-average' | 'mean' | 'percentile' | 'entropy' | 'mse';
    /** Of the method 'percentile': how many of 100 values the range keeps; default 99.99. */
    percentile?: number;
    /**
     * Default true: where the samples' ranges differ widely (a quiet moment of a recording), the range is measured at each
     * run, as in mode 'dynamic'. False: all scales are fixed, as they are with 16 bits. Scheme log2 has no use for it.
     */
    adaptive?: boolean;
  };
  /**
   * Not of mode 'mixed': makes up for the losses of rounding. Where there are samples that can be run again (an array, not a
   * generator) the report tells what each correction gained, and the whole takes several times as long.
   */
  correct?: Corrections;
  /**
   * Samples, inputs by name, for modes 'static' and 'mixed', for the method 'gptq', for `correct`, and for what the report tells
   * of outputs, layers and times. They are run one after the other and not kept. Mode 'mixed' and corrections iterate over them
   * several times, and so does the report where that is possible: with an array, or an object whose iterator starts anew; not
   * with a generator. Their numbers have to be finite, but for -Infinity where it reaches nothing that is quantized (masks).
   */
  calibration?: Samples;
  /**
   * Runs both models on the first samples when all is done, for the report; default true, where there are samples that can be
   * run again. `Measurement` says how many.
   */
  measure?: boolean;
  /** Only these nodes, and of these also the ones that would stay in float: see `QuantizationReport.floatNodes`. */
  include?: NodeFilter;
  /** All but these nodes. */
  exclude?: NodeFilter;
  /**
   * Only nodes of these operators: MatMul, Gemm, Conv; dynamic: LSTM; static: also those that pass integers on;
   * weight-only: Gather, with float16 also ConvTranspose, LSTM, GRU and RNN. Not of mode 'mixed'.
   */
  opTypes?: readonly string[];
  externalData?: ExternalData;
  /** Ends the quantization with an error of code 'aborted', within some 0.1 s, and closes the iterator of `calibration`. */
  signal?: AbortSignal;
  onProgress?: (progress: QuantizeProgress) => void;
}

const knownOptions = [
  'mode',
  'target',
  'weights',
  'format',
  'force',
  'activations',
  'correct',
  'calibration',
  'measure',
  'include',
  'exclude',
  'opTypes',
  'externalData',
  'signal',
  'onProgress',
];

const invalid = (message: string) => new OctetError('invalid-option', message);

/** The field of api options that holds one of some words, if it is given. */
function checkWord(name: string, given: unknown, words: readonly string[]): void {
  if (given !== undefined && !words.includes(given as string))
    throw invalid(`${name}: '${given}'; ${words.join(', ')} expected`);
}

function checkBoolean(name: string, given: unknown): void {
  if (given !== undefined && typeof given !== 'boolean')
    throw invalid(`${name}: true or false expected`);
}

const bytes = ['int8', 'uint8'];
const activationTypes = { static: [...bytes, 'uint16', 'int16'], mixed: bytes };
const weightTypes = {
  dynamic: bytes,
  static: bytes,
  'weight-only': [...bytes, 'int4', 'uint4', 'float16'],
  mixed: [],
};
const ownWeightOptions: Record<QuantizeOptions['mode'], readonly string[]> = {
  dynamic: ['perChannel', 'method'],
  static: ['perChannel', 'method'],
  'weight-only': ['blockSize', 'method'],
  mixed: [],
};
const rangeMethods = ['minmax', 'mean', 'mse'];
const weightMethods = {
  dynamic: rangeMethods,
  static: [...rangeMethods, 'adaround'],
  'weight-only': [...rangeMethods, 'gptq'],
  mixed: [],
};
const bothFormats = ['qdq', 'qoperator'];
const formats = { dynamic: [], static: bothFormats, 'weight-only': bothFormats, mixed: [] };

function checkWeights({ mode, weights = {}, format }: QuantizeOptions): void {
  const own = ownWeightOptions[mode];
  if (weights.blockSize !== undefined && !own.includes('blockSize'))
    throw invalid(`weights.blockSize: mode '${mode}' has no blocks; mode 'weight-only' has`);
  rejectUnknownKeys(weights, ['type', 'symmetric', ...own], 'quantize: weights');
  checkWord('weights.type', weights.type, weightTypes[mode]);
  checkBoolean('weights.symmetric', weights.symmetric);
  checkBoolean('weights.perChannel', weights.perChannel);
  checkWord('weights.method', weights.method, weightMethods[mode]);
  if (weights.blockSize !== undefined && !(weights.blockSize > 0 && weights.blockSize <= 256))
    throw invalid('weights.blockSize: a power of two from 16 to 256 expected');
  if (format !== undefined && !formats[mode].length)
    throw invalid(`format: mode '${mode}' has no choice of it`);
  checkWord('format', format, formats[mode]);
}

function checkCalibration({ mode, weights, calibration }: QuantizeOptions): void {
  const needed = mode === 'static' || mode === 'mixed' || weights?.method === 'gptq';
  if (calibration === undefined && !needed) return;
  checkSamples(calibration, 'calibration');
}

const hasWideActivations = ({ activations }: QuantizeOptions) =>
  activations?.type?.endsWith('16') === true;

/** What makes no sense with 16 bits. */
function checkWide({ activations = {}, format }: QuantizeOptions): void {
  if (format === 'qoperator')
    throw invalid(`activations.type: format 'qoperator' takes ${bytes.join(', ')}`);
  if (activations.adaptive)
    throw invalid('activations.adaptive: 16 bits have fixed scales, as measured ones have 8 bits');
}

/** What makes no sense with powers of two. */
function checkLog2(options: QuantizeOptions): void {
  const { mode, activations = {}, format } = options;
  if (mode !== 'static') throw invalid("activations.scheme: only mode 'static' has 'log2'");
  if (format === 'qoperator') throw invalid("format: scheme 'log2' has no operators on codes");
  if (hasWideActivations(options))
    throw invalid(`activations.type: scheme 'log2' takes ${bytes.join(', ')}`);
  if (activations.symmetric === false)
    throw invalid("activations.symmetric: scheme 'log2' has no other zero than 0");
  if (activations.adaptive)
    throw invalid("activations.adaptive: scheme 'log2' has fixed levels, which fit any range");
}

function checkActivations(options: QuantizeOptions): void {
  const { mode, activations } = options;
  if (activations === undefined) return;
  if (mode !== 'static' && mode !== 'mixed')
    throw invalid("activations: only modes 'static' and 'mixed' have these");
  const known = ['scheme', 'type', 'symmetric', 'method', 'percentile', 'adaptive'];
  rejectUnknownKeys(activations, known, 'quantize: activations');
  checkWord('activations.scheme', activations.scheme, ['linear', 'log2']);
  checkWord('activations.type', activations.type, activationTypes[mode]);
  checkBoolean('activations.symmetric', activations.symmetric);
  checkBoolean('activations.adaptive', activations.adaptive);
  if (activations.percentile !== undefined && typeof activations.percentile !== 'number')
    throw invalid('activations.percentile: a number expected');
  if (hasWideActivations(options)) checkWide(options);
  if (activations.scheme === 'log2') checkLog2(options);
}

function checkOptions(options: QuantizeOptions): void {
  if (typeof options !== 'object' || options === null)
    throw invalid("quantize: options with a mode expected, e.g. {mode: 'dynamic'}");
  const modes = Object.keys(weightTypes);
  if (!modes.includes(options.mode))
    throw invalid(`quantize: mode '${options.mode}'; ${modes.join(', ')} expected`);
  rejectUnknownKeys(options, knownOptions, 'quantize');
  checkBoolean('force', options.force);
  checkBoolean('measure', options.measure);
  checkSignal(options.signal);
  checkWeights(options);
  checkActivations(options);
  checkCorrections(options);
  checkCalibration(options);
  if (options.mode === 'mixed') checkMixed(options);
  else if (options.target !== undefined) throw invalid("target: only mode 'mixed' has one");
}

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
  spectraInFloat: options.include === undefined,
});

/** Whether a job looks at samples. */
function runsSamples({ calibration, correct, weights }: QuantizeOptions, mode: string): boolean {
  if (calibration === undefined) return false;
  if (mode === 'weight-only' && weights?.type === 'float16') return false;
  if (mode === 'rescale') return !!correct?.smoothQuant;
  return mode !== 'dynamic' || !!correct?.biasCorrection;
}

/** One job of the module: a quantization, or a rescaling of a float model. */
const quantizeOnce: RunJob = async (source, options, mode) => {
  const { externalData, signal, onProgress } = options;
  const opening = { externalData, isShared: true, signal, onProgress };
  const { engine, handle } = await openModel(source, opening);
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

const quantizeUnmeasured = (source: Source, options: QuantizeOptions): Promise<Quantized> =>
  quantizeOnce(source, options, options.mode);

async function quantizeByMode(source: Source, options: QuantizeOptions): Promise<Quantized> {
  if (options.mode === 'mixed') return quantizeMixed(source, options, quantizeUnmeasured);
  if (isMeasured(options)) return quantizeMeasured(source, options, quantizeOnce);
  return quantizeUnmeasured(source, options);
}

/**
 * Quantizes a model on this device. The result is a standard ONNX file, which onnxruntime runs too. Bytes given as `source`
 * are not copied: leave them alone until this is done.
 * Throws `invalid-option`, `invalid-model`, `invalid-input` (naming the sample), `aborted`.
 */
export async function quantize(source: Source, options: QuantizeOptions): Promise<Quantized> {
  checkOptions(options);
  throwIfAborted(options.signal);
  const worker = proxy();
  if (worker) return worker.quantize(source, options);
  const unmeasured = whyUnmeasured(options);
  if (unmeasured) {
    const { model, report } = await quantizeByMode(source, options);
    return { model, report: { ...report, unmeasured } };
  }
  const again = await orAborted(readAgain(source, 'the model', options), options.signal);
  const start = performance.now();
  const { model, report, rescaled } = await quantizeByMode(again, options);
  const quantizedMs = performance.now() - start;
  const before = { source: again, externalData: options.externalData };
  const sameUnits = rescaled ? { source: rescaled } : before;
  const models = { before, sameUnits, after: { source: model } };
  const measured = await measure(models, options, quantizedMs);
  return { model, report: { ...report, ...measured } };
}
