/** The options of `quantize`: their types, all of them and by mode, and what refuses the rest. */
import { type Corrections, checkCorrections } from './correct.js';
import { OctetError, checkSignal, rejectUnknownKeys } from './errors.js';
import { type MixedTarget, checkMixed } from './mixed.js';
import type { ExternalData } from './model.js';
import type { NodeFilter } from './node_filter.js';
import type { Progress } from './progress.js';
import { type Samples, checkSamples } from './samples.js';

/** How far a quantization is. */
export type QuantizeProgress = Progress;

/** What becomes of the values between layers, see {@link QuantizeOptions.mode}. */
export type QuantizeMode = 'dynamic' | 'static' | 'weight-only' | 'mixed';

/** How weights become small. */
export interface WeightOptions {
  /** Default 'int8'. The types of 4 bits and float16 are for mode 'weight-only'. */
  type?: 'int8' | 'uint8' | 'int4' | 'uint4' | 'float16';
  /** Zero in the middle of the range; default true for int8 and int4, false for uint8 and uint4. */
  symmetric?: boolean;
  /**
   * Not of mode 'weight-only': rounds to 7 bits instead of 8, int8 to −64 … 64 and uint8 to 0 … 127, as `reduce_range` of
   * onnxruntime's quantizer does; default false. Where a processor adds up products of bytes in pairs of 16 bits that
   * saturate (x86 without VNNI) such weights are exact, and there this engine and onnxruntime multiply them faster. It costs half
   * of the weights' precision, 6 dB; {@link QuantizationReport.ranges} tells what that does to the outputs.
   */
  reduceRange?: boolean;
  /** Not of mode 'weight-only': a scale per output channel instead of one per tensor; default true. */
  perChannel?: boolean;
  /** Of mode 'weight-only': weights of a matrix that share a scale, a power of two from 16 to 256; default 32. */
  blockSize?: number;
  /**
   * How the range of a tensor, channel or block follows from its weights, default 'minmax': its extremes; 'mean': at most
   * a width that their mean magnitude tells; 'mse': that of the least squared error.
   * Of mode 'weight-only': 'gptq' chooses the codes so that results change least on the samples in `calibration`, and
   * where these say nothing (embeddings, layers that they don't reach or whose sums have more than 8192 terms) goes by
   * 'mse', as the report names it. Float16 has no codes to choose.
   * Of mode 'static': 'adaround' rounds each weight up or down, whichever changes the results least on the samples (where
   * these say nothing: to nearest).
   */
  method?: 'minmax' | 'mean' | 'mse' | 'gptq' | 'adaround';
}

/** How the values between layers become integers. */
export interface ActivationOptions {
  /**
   * Of mode 'static': 'linear' (default) spaces levels evenly; 'log2' takes 0 and ± powers of two, as many of each sign as
   * the sums of their readers leave room for, 15 at most. Then only what products read is quantized, a product with an
   * activation is a shift, exactly so on this engine, and {@link QuantizationReport.schemes} tells what it costs: much, as every
   * value is up to a third off.
   */
  scheme?: 'linear' | 'log2';
  /**
   * Default 'uint8', but 'int16' for a signal of which a logarithmic spectrum is made ({@link QuantizedTensorReport.reason}
   * tells); with a type of 8 bits given, what makes the spectrum stays in float. The types of 16 bits are for mode 'static' with
   * format 'qdq' and scheme 'linear': nearly exact, at the speed of float, or with symmetric 'int16' at that of integers where 32
   * bits hold the sums (most layers). Below operator set 21 they are written with onnxruntime's own QuantizeLinear and
   * DequantizeLinear.
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
  /** Of the method 'percentile' alone: how many of 100 values the range keeps, above 0, up to 100; default 99.99. */
  percentile?: number;
  /**
   * Default true: where the samples' ranges differ widely (a quiet moment of a recording), the range is measured at each
   * run, as in mode 'dynamic'. False: all scales are fixed, as they are with 16 bits. Scheme log2 has no use for it.
   */
  adaptive?: boolean;
}

/**
 * Every option of every mode, for programs that learn the mode when they run: from a form, a file, flags. What does not go
 * with the mode is refused when `quantize` is called, as an `OctetError` of code 'invalid-option'. Where the mode is written in
 * the program, {@link QuantizeOptionsOf} tells the compiler which options go with it.
 */
export interface QuantizeOptions {
  /**
   * Weights become small now. What flows between the layers is measured at each run ('dynamic'), gets fixed scales from
   * the samples in `calibration` ('static'), or stays float ('weight-only'). 'mixed' decides node by node, so that the
   * model meets `target`; it runs the samples many times and takes minutes for large models.
   */
  mode: QuantizeMode;
  /** Of mode 'mixed', which needs one of these at least. Of the models that meet it the fastest is returned. */
  target?: MixedTarget;
  /** How weights become small; mode 'mixed', which chooses by itself, takes `reduceRange` alone. */
  weights?: WeightOptions;
  /**
   * Of mode 'weight-only': blocks become MatMulNBits and GatherBlockQuantized of onnxruntime ('qoperator', the default),
   * or DequantizeLinear nodes of ONNX in front of float operators ('qdq'). Of 'static': float operators between
   * QuantizeLinear and DequantizeLinear ('qdq', the default), or operators on codes ('qoperator': QLinearConv and
   * QLinearMatMul of ONNX, QGemm, QLinearAdd and their like of onnxruntime); what has no such operator keeps its pairs.
   */
  format?: 'qdq' | 'qoperator';
  /**
   * Not of mode 'mixed': quantizes what a model left in float that holds quantized operators already, instead of refusing it;
   * default false.
   */
  force?: boolean;
  /** Of modes 'static' and 'mixed': how the values between layers become integers. */
  activations?: ActivationOptions;
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
   * run again. {@link Measurement} says how many.
   */
  measure?: boolean;
  /** Only these nodes, and of these also the ones that would stay in float: see {@link QuantizationReport.floatNodes}. */
  include?: NodeFilter;
  /** All but these nodes. */
  exclude?: NodeFilter;
  /**
   * Only nodes of these operators: MatMul, Gemm, Conv; dynamic: LSTM; static: also those that pass integers on;
   * weight-only: Gather, with float16 also ConvTranspose, LSTM, GRU and RNN. Not of mode 'mixed'.
   */
  opTypes?: readonly string[];
  /** The files of weights that the model has outside; in Node those beside a model that comes from a path are found. */
  externalData?: ExternalData;
  /** Ends the quantization with an error of code 'aborted', within some 0.1 s, and closes the iterator of `calibration`. */
  signal?: AbortSignal;
  /** Told after each piece of the work. What it throws ends the quantization. */
  onProgress?: (progress: QuantizeProgress) => void;
}

/** @inline */
type ByteType = 'int8' | 'uint8';
/** @inline */
type BlockType = ByteType | 'int4' | 'uint4';
/** @inline */
type RangeMethod = 'minmax' | 'mean' | 'mse';
/** @inline */
type ActivationMethod = NonNullable<ActivationOptions['method']>;

/** @inline */
type CommonOptions = Pick<
  QuantizeOptions,
  'measure' | 'include' | 'exclude' | 'externalData' | 'signal' | 'onProgress'
>;
/**
 * Not of mode 'mixed', which chooses by itself.
 * @inline
 */
type ChosenOptions = CommonOptions & Pick<QuantizeOptions, 'force' | 'opTypes'>;
/** @inline */
type OptionalSamples = Pick<QuantizeOptions, 'calibration'>;
/** @inline */
type NeededSamples = Required<OptionalSamples>;

/** @inline */
type ChannelWeights = Pick<WeightOptions, 'symmetric' | 'reduceRange' | 'perChannel'> & {
  /** Default 'int8'. */
  type?: ByteType;
};
/** @inline */
type BlockWeights = Pick<WeightOptions, 'symmetric' | 'blockSize'>;

/**
 * A percentile goes with the method of that name alone.
 * @inline
 */
type RangeChoice<Method extends ActivationMethod> =
  | {
      /** How a range is chosen from what the samples show; default 'minmax'. */
      method?: Exclude<Method, 'percentile'>;
      /** Of the method 'percentile' alone. */
      percentile?: undefined;
    }
  | {
      /** The range keeps so many values. */
      method: 'percentile';
      /** How many of 100; default 99.99. */
      percentile?: number;
    };
/** @inline */
type ByteActivations = Pick<ActivationOptions, 'symmetric' | 'adaptive'> &
  RangeChoice<ActivationMethod> & {
    /** Levels are evenly spaced. */
    scheme?: 'linear';
    /** Default 'uint8'. */
    type?: ByteType;
  };
/** @inline */
type WideActivations = Pick<ActivationOptions, 'symmetric'> &
  RangeChoice<ActivationMethod> & {
    /** Levels are evenly spaced. */
    scheme?: 'linear';
    /** Of 16 bits. */
    type: 'uint16' | 'int16';
    /** All scales are fixed. */
    adaptive?: false;
  };
/** @inline */
type Log2Activations = RangeChoice<Exclude<ActivationMethod, 'entropy' | 'mse'>> & {
  /** Levels are powers of two. */
  scheme: 'log2';
  /** Default 'uint8'. */
  type?: ByteType;
  /** There is no other zero than 0. */
  symmetric?: true;
  /** All levels are fixed. */
  adaptive?: false;
};

/**
 * Of the corrections, the one that needs no samples.
 * @inline
 */
type Equalization = Pick<Corrections, 'equalize'> & {
  /** Needs samples, and integers to multiply. */
  biasCorrection?: false;
  /** Needs samples, and integers to multiply. */
  smoothQuant?: undefined;
};
/** @inline */
type NeededTarget = {
  [Key in keyof MixedTarget]-?: MixedTarget & Required<Pick<MixedTarget, Key>>;
}[keyof MixedTarget];

/** Options of mode 'dynamic'; corrections by samples need samples. */
export type DynamicQuantizeOptions = ChosenOptions & {
  /** What flows between layers is measured at each run. */
  mode: 'dynamic';
  /** How weights become small. */
  weights?: ChannelWeights & {
    /** How a range follows from the weights; default 'minmax'. */
    method?: RangeMethod;
  };
} & (
    | (OptionalSamples & {
        /** What makes up for the losses of rounding. */
        correct?: Equalization;
      })
    | (NeededSamples & {
        /** What makes up for the losses of rounding. */
        correct: Corrections;
      })
  );

/** Options of mode 'static', which needs samples. Operators on codes are of 8 bits, evenly spaced. */
export type StaticQuantizeOptions = ChosenOptions &
  NeededSamples &
  Pick<QuantizeOptions, 'correct'> & {
    /** What flows between layers gets fixed scales. */
    mode: 'static';
    /** How weights become small. */
    weights?: ChannelWeights & {
      /** How a range follows from the weights, or codes from samples; default 'minmax'. */
      method?: RangeMethod | 'adaround';
    };
  } & (
    | {
        /** Float operators between QuantizeLinear and DequantizeLinear. */
        format?: 'qdq';
        /** How the values between layers become integers. */
        activations?: ByteActivations | WideActivations | Log2Activations;
      }
    | {
        /** Operators on codes. */
        format: 'qoperator';
        /** How the values between layers become integers. */
        activations?: ByteActivations;
      }
  );

/** Options of mode 'weight-only'; the method 'gptq' needs samples, and codes to choose, which float16 has none of. */
export type WeightOnlyQuantizeOptions = ChosenOptions &
  Pick<QuantizeOptions, 'format'> & {
    /** What flows between layers stays float. */
    mode: 'weight-only';
    /** What makes up for the losses of rounding. */
    correct?: Equalization;
  } & (
    | (OptionalSamples & {
        /** How weights become small. */
        weights?: BlockWeights & {
          /** Default 'int8'. */
          type?: BlockType | 'float16';
          /** How a range follows from the weights; default 'minmax'. */
          method?: RangeMethod;
        };
      })
    | (NeededSamples & {
        /** How weights become small. */
        weights: BlockWeights & {
          /** Default 'int8'. */
          type?: BlockType;
          /** Codes follow from the samples. */
          method: 'gptq';
        };
      })
  );

/** Options of mode 'mixed', which needs samples and one target at least, and chooses all else by itself. */
export type MixedQuantizeOptions = CommonOptions &
  NeededSamples & {
    /** Node by node. */
    mode: 'mixed';
    /** What the model must meet: one of these at least. */
    target: NeededTarget;
    /** Of what becomes integers. */
    weights?: Pick<WeightOptions, 'reduceRange'>;
    /** How the values between layers become integers, where they do. */
    activations?: ByteActivations;
  };

/**
 * The options that go with a mode, by which the compiler refuses what `quantize` would refuse, as far as types tell: not the sizes
 * of numbers, the names of operators, nor samples that come only once where they are run again. Where the mode may be one of several,
 * and is known only when the program runs, all options: {@link QuantizeOptions}.
 */
export type QuantizeOptionsOf<Mode extends QuantizeMode, Each = Mode> = Each extends Mode
  ? [Mode] extends [Each]
    ? Extract<
        | DynamicQuantizeOptions
        | StaticQuantizeOptions
        | WeightOnlyQuantizeOptions
        | MixedQuantizeOptions,
        Record<'mode', Mode>
      >
    : QuantizeOptions
  : never;

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
const channelOptions = ['type', 'symmetric', 'reduceRange', 'perChannel', 'method'];
const weightOptions: Record<QuantizeMode, readonly string[]> = {
  dynamic: channelOptions,
  static: channelOptions,
  'weight-only': ['type', 'symmetric', 'blockSize', 'method'],
  mixed: ['reduceRange'],
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
  const known = weightOptions[mode];
  if (weights.blockSize !== undefined && !known.includes('blockSize'))
    throw invalid(`weights.blockSize: mode '${mode}' has no blocks; mode 'weight-only' has`);
  if (weights.reduceRange && !known.includes('reduceRange'))
    throw invalid(
      `weights.reduceRange: mode '${mode}' multiplies in float, which gains nothing by it`,
    );
  rejectUnknownKeys(weights, known, 'quantize: weights');
  checkWord('weights.type', weights.type, weightTypes[mode]);
  checkBoolean('weights.symmetric', weights.symmetric);
  checkBoolean('weights.reduceRange', weights.reduceRange);
  checkBoolean('weights.perChannel', weights.perChannel);
  checkWord('weights.method', weights.method, weightMethods[mode]);
  if (weights.blockSize !== undefined && !(weights.blockSize > 0 && weights.blockSize <= 256))
    throw invalid('weights.blockSize: a power of two from 16 to 256 expected');
  if (weights.type === 'float16' && weights.method === 'gptq')
    throw invalid("weights.method: 'gptq' chooses codes, of which float16 has none");
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
  if (activations.percentile !== undefined && activations.method !== 'percentile')
    throw invalid("activations.percentile: only method 'percentile' has one");
  if (hasWideActivations(options)) checkWide(options);
  if (activations.scheme === 'log2') checkLog2(options);
}

/** Throws `invalid-option`. */
export function checkOptions(options: QuantizeOptions): void {
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
