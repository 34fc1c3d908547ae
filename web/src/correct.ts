import { OctetError, rejectUnknownKeys } from './errors.js';
import { FloatAnswers } from './float_answers.js';
import { type Model, type ModelInMemory, readModel } from './model.js';
import type { QuantizeOptions } from './quantize_options.js';
import type { QuantizationReport } from './report.js';
import { type SampleOptions, startsAnew } from './samples.js';
import { withSharedSession } from './session.js';
import type { OwnBytes } from './source.js';

/** What makes up for the losses of rounding; all off by default. */
export interface Corrections {
  /**
   * Evens out the weights' ranges between layers that follow one another, with nothing but ReLU and the like in between
   * (cross-layer equalization, arXiv 1906.04721); needs no samples. A Clip in between (ReLU6) becomes a Relu and a Min with a
   * bound per channel, which run in float.
   */
  equalize?: boolean;
  /**
   * Of modes 'static' and 'dynamic': adds to each bias what rounding the weights takes from the mean of its channel, over the
   * samples.
   */
  biasCorrection?: boolean;
  /**
   * Of modes 'static' and 'dynamic': moves outliers from what matrix products read to their weights (SmoothQuant, arXiv
   * 2211.10438): its α, above 0 up to 1; 0.5 is a good start for transformers.
   */
  smoothQuant?: number;
}

/** What a correction, and all before it in the list, made of the model. */
export interface CorrectionEffect {
  /** The last correction that was made; 'none': only the rounding. */
  method: 'none' | 'equalize' | 'smoothQuant' | 'biasCorrection' | 'adaround';
  /** Of the worst output against the float model, over the calibration samples. */
  sqnrDb: number;
}

/** What a scheme of activations made of the model, with all corrections. */
export interface SchemeEffect {
  /** As in `ActivationOptions`. */
  scheme: 'linear' | 'log2';
  /** Of the worst output against the float model, over the calibration samples. */
  sqnrDb: number;
}

/** What rounding weights to 7 or 8 bits made of the model, with all corrections. */
export interface RangeEffect {
  /** As in `WeightOptions`. */
  reduceRange: boolean;
  /** Of the worst output against the float model, over the calibration samples. */
  sqnrDb: number;
}

/** `rescaled`: the float model that was rounded, where scales moved between the layers of the one given. */
export type Quantized = { model: OwnBytes; report: QuantizationReport; rescaled?: Uint8Array };
/** Runs one job; given by the caller, which chooses this one by its options. */
export type RunJob = (
  model: Model,
  options: QuantizeOptions,
  mode: QuantizeOptions['mode'] | 'rescale',
) => Promise<Quantized>;

const isCorrected = ({ correct = {}, weights }: QuantizeOptions): boolean =>
  weights?.method === 'adaround' || Object.values(correct).some((each) => each);

const isLog2 = ({ activations }: QuantizeOptions): boolean => activations?.scheme === 'log2';

const isReduced = ({ weights }: QuantizeOptions): boolean => weights?.reduceRange === true;

/** Whether the report of a quantization tells of choices whose effects have to be measured, by more than one job. */
export const isMeasured = (options: QuantizeOptions): boolean =>
  isCorrected(options) || isLog2(options) || isReduced(options);

const invalid = (message: string) => new OctetError('invalid-option', message);

/** Throws `invalid-option` for what a mode cannot have. */
function checkMode({ mode, correct = {}, calibration }: QuantizeOptions): void {
  for (const key of ['biasCorrection', 'smoothQuant'] as const) {
    if (!correct[key]) continue;
    if (mode === 'weight-only')
      throw invalid(
        `correct.${key}: modes 'static' and 'dynamic' have it; of mode 'weight-only' is equalize`,
      );
    if (calibration === undefined) throw invalid(`calibration: ${key} needs samples`);
  }
}

/** Throws `invalid-option`. */
export function checkCorrections(options: QuantizeOptions): void {
  const { correct, calibration } = options;
  if (correct === undefined) return;
  rejectUnknownKeys(correct, ['equalize', 'biasCorrection', 'smoothQuant'], 'quantize: correct');
  for (const key of ['equalize', 'biasCorrection'] as const)
    if (correct[key] !== undefined && typeof correct[key] !== 'boolean')
      throw invalid(`correct.${key}: true or false expected`);
  const { smoothQuant } = correct;
  if (smoothQuant !== undefined && !(smoothQuant > 0 && smoothQuant <= 1))
    throw invalid('correct.smoothQuant: a number above 0, up to 1 expected');
  checkMode(options);
  if (smoothQuant === undefined) return;
  if (!startsAnew(calibration))
    throw invalid(
      'calibration: smoothQuant runs the samples twice; give an array, or an object whose iterator starts anew',
    );
}

/** Quantization whose corrections, scheme, or range of weights are measured one by one where the samples can be run again. */
class MeasuredQuantization {
  constructor(
    private readonly model: ModelInMemory,
    private readonly options: QuantizeOptions,
    private readonly runJob: RunJob,
  ) {}

  async run(): Promise<Quantized> {
    const samples = this.options.calibration!;
    const sampling: SampleOptions = { what: 'calibration', signal: this.options.signal };
    if (!startsAnew(samples)) return this.#quantize(this.options);
    const answers = await withSharedSession(this.model, (session) =>
      FloatAnswers.of(session, samples, sampling),
    );
    const measured = async (options: QuantizeOptions) => {
      const quantized = await this.#quantize(options);
      const sqnrDb = await withSharedSession({ source: quantized.model }, (session) =>
        answers.sqnrOf(session, samples, sampling),
      );
      return { quantized, sqnrDb };
    };
    const schemes: SchemeEffect[] = [];
    if (isLog2(this.options)) {
      const activations = { ...this.options.activations, scheme: 'linear' } as const;
      const { sqnrDb } = await measured({ ...this.options, activations });
      schemes.push({ scheme: 'linear', sqnrDb });
    }
    const ranges: RangeEffect[] = [];
    if (isReduced(this.options)) {
      const weights = { ...this.options.weights, reduceRange: false };
      const { sqnrDb } = await measured({ ...this.options, weights });
      ranges.push({ reduceRange: false, sqnrDb });
    }
    const corrections: CorrectionEffect[] = [];
    let last: Awaited<ReturnType<typeof measured>> | undefined;
    for (const [method, options] of this.#ladder()) {
      last = await measured(options);
      corrections.push({ method, sqnrDb: last.sqnrDb });
    }
    const { quantized, sqnrDb } = last!;
    if (schemes.length) schemes.push({ scheme: 'log2', sqnrDb });
    if (ranges.length) ranges.push({ reduceRange: true, sqnrDb });
    const effects = {
      ...(isCorrected(this.options) && { corrections }),
      ...(schemes.length && { schemes }),
      ...(ranges.length && { ranges }),
    };
    return { ...quantized, report: { ...quantized.report, ...effects } };
  }

  /** The options without any correction, and with one more each; the last are all that were asked for. */
  #ladder(): [CorrectionEffect['method'], QuantizeOptions][] {
    const { correct: wanted = {}, weights } = this.options;
    const correct: Corrections = {};
    const rounded = weights?.method === 'adaround';
    const plain = rounded ? { ...weights, method: undefined } : weights;
    const ladder: [CorrectionEffect['method'], QuantizeOptions][] = [
      ['none', { ...this.options, weights: plain, correct: {} }],
    ];
    for (const key of ['equalize', 'smoothQuant', 'biasCorrection'] as const) {
      if (!wanted[key]) continue;
      Object.assign(correct, { [key]: wanted[key] });
      ladder.push([key, { ...this.options, weights: plain, correct: { ...correct } }]);
    }
    if (rounded) ladder.push(['adaround', this.options]);
    return ladder;
  }

  async #quantize(options: QuantizeOptions): Promise<Quantized> {
    const { mode, correct: { equalize, smoothQuant } = {} } = options;
    if (!equalize && !smoothQuant) return this.runJob(this.model, options, mode);
    const rescaled = await this.runJob(this.model, options, 'rescale');
    const { model, report } = await this.runJob({ source: rescaled.model }, options, mode);
    const { bytesBefore, rescaledNodes } = rescaled.report;
    return {
      model,
      report: { ...report, bytesBefore, rescaledNodes },
      rescaled: rescaled.model,
    };
  }
}

/** Quantizes with the corrections, the scheme and the range that the options ask for, and measures each. */
export async function quantizeMeasured(
  model: Model,
  options: QuantizeOptions,
  runJob: RunJob,
): Promise<Quantized> {
  const read = await readModel(model, 'the model', options);
  return new MeasuredQuantization(read, options, runJob).run();
}
