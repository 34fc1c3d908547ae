import type { InferenceSession as Ort } from 'onnxruntime-common';
import { EngineRunner } from './engine_runner.js';
import { OctetError, checkSignal, rejectUnknownKeys, releasedError } from './errors.js';
import { forgetLoss, watchForLoss } from './leaks.js';
import { type ExternalData, type Model, openModel } from './model.js';
import type { Progress } from './progress.js';
import { proxy } from './proxy.js';
import type { Source } from './source.js';
import { isTensorLike, type OctetValue, type Tensor } from './tensor.js';

/** How onnxruntime-common describes an input or output: name, element type, shape. */
export type ValueMetadata = Ort.ValueMetadata;

/**
 * Options of onnxruntime's sessions. Honoured: `executionProviders`, `graphOptimizationLevel` ('disabled' runs the graph
 * as it is), `freeDimensionOverrides`, `externalData`, `enableProfiling`. The rest is accepted and has no meaning here:
 * threads, arenas, execution mode, logging, output locations other than the CPU's.
 */
export interface SessionOptions extends Omit<Ort.SessionOptions, 'externalData'> {
  /** The files of weights that the model has outside; in Node those beside a model that comes from a path are found. */
  externalData?: ExternalData;
  /** Ends the loading with an error of code 'aborted', and the download that it waits for. */
  signal?: AbortSignal;
  /**
   * Told in bytes how far the model's file is, and then each of `externalData`: phase 'download' (a URL, a Response) or 'read' (a
   * Blob, a path, a stream). Bytes that are in memory already have no progress.
   */
  onProgress?: (progress: Progress) => void;
}

/**
 * For the namespace below, which has this name too.
 * @inline
 */
type CreateOptions = SessionOptions;

const knownOptions = [
  'executionProviders',
  'intraOpNumThreads',
  'interOpNumThreads',
  'freeDimensionOverrides',
  'graphOptimizationLevel',
  'enableCpuMemArena',
  'enableMemPattern',
  'executionMode',
  'optimizedModelFilePath',
  'enableProfiling',
  'profileFilePrefix',
  'logId',
  'logSeverityLevel',
  'logVerbosityLevel',
  'preferredOutputLocation',
  'enableGraphCapture',
  'extra',
  'externalData',
  'signal',
  'onProgress',
] as const;

const knownRunOptions = ['logSeverityLevel', 'logVerbosityLevel', 'terminate', 'tag', 'extra'];

const levels = ['disabled', 'basic', 'extended', 'layout', 'all'];

function checkOptions(options: SessionOptions): void {
  rejectUnknownKeys(options, knownOptions, 'InferenceSession.create');
  checkSignal(options.signal);
  const providers = options.executionProviders?.map((p) => (typeof p === 'string' ? p : p.name));
  if (providers?.length && !providers.some((name) => name === 'wasm' || name === 'cpu'))
    throw new OctetError(
      'invalid-option',
      `executionProviders: 'wasm' or 'cpu' expected among ${providers.join(', ')}`,
    );
  const level = options.graphOptimizationLevel;
  if (level !== undefined && !levels.includes(level))
    throw new OctetError('invalid-option', `graphOptimizationLevel: '${level}' is not known`);
  for (const [name, size] of Object.entries(options.freeDimensionOverrides ?? {}))
    if (!Number.isSafeInteger(size) || size < 0)
      throw new OctetError(
        'invalid-option',
        `freeDimensionOverrides: ${name} is ${size}, not a size`,
      );
}

/** One executed step of a profiled run. */
export interface StepTime {
  /** Its name in the graph as it is run, which fusions may have changed. */
  node: string;
  /** The operator of ONNX, or Octet's own that several were fused into. */
  opType: string;
  /** Of the first output; null where only the run knew. */
  shape: number[] | null;
  /** Multiply-adds. */
  macs: number;
  /** Bytes of all operands and results. */
  bytes: number;
  /** How long it took, by the wall clock. */
  milliseconds: number;
}

/** Of onnxruntime's options of a run `terminate` alone has a meaning here. */
function checkRunOptions(options: Ort.RunOptions | undefined): void {
  if (options === undefined) return;
  if (typeof options !== 'object' || options === null)
    throw new OctetError('invalid-option', 'run: the options are no object');
  rejectUnknownKeys(options, knownRunOptions, 'run');
  if (options.terminate) throw new OctetError('aborted', 'run: terminated by its options');
}

/** Outputs of a run, by name and by number, and where they go. */
interface Fetches {
  names: readonly string[];
  numbers: readonly number[];
  targets?: (Tensor | null)[];
}

/** What carries out the runs of a session: the engine here (engine_runner.ts), or a worker's (proxy.ts). */
export interface SessionRunner {
  readonly inputs: readonly ValueMetadata[];
  readonly outputs: readonly ValueMetadata[];
  /** With feeds in the order of the inputs; the outputs of these numbers. */
  run(feeds: readonly unknown[], wanted: readonly number[]): OctetValue[] | Promise<OctetValue[]>;
  /** Steps of the last run, where they are timed. */
  profile(): StepTime[];
  release(): void | Promise<void>;
}

/** Where engines have no such symbol, compilers' `await using` looks under the second. */
const asyncDispose: typeof Symbol.asyncDispose =
  Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose');

/** A loaded model; made by `InferenceSession.create`. */
export class InferenceSession implements Ort {
  /** In the model's order. */
  readonly inputNames: readonly string[];
  /** In the model's order. */
  readonly outputNames: readonly string[];
  /** Name, element type and shape of each input; a dimension is a size, or the symbol of an open one. */
  readonly inputMetadata: readonly ValueMetadata[];
  /** The same of each output. */
  readonly outputMetadata: readonly ValueMetadata[];

  readonly #allOutputs: Fetches;
  #runner: SessionRunner | undefined;
  #profiling: boolean;

  private constructor(runner: SessionRunner, profiling: boolean) {
    this.#runner = runner;
    this.#profiling = profiling;
    this.inputMetadata = runner.inputs;
    this.outputMetadata = runner.outputs;
    this.inputNames = this.inputMetadata.map((port) => port.name);
    this.outputNames = this.outputMetadata.map((port) => port.name);
    this.#allOutputs = this.#outputsNamed(this.outputNames);
    watchForLoss(this, runner);
  }

  /**
   * Loads a model from bytes, a Blob, a ReadableStream, a Response, a URL, or a string (a URL in browsers, a path in Node). As in
   * onnxruntime, a buffer may be followed by an offset and a length, in bytes. A buffer is the caller's again when this is done.
   *
   * Throws `invalid-model`, `unsupported-operator` (naming the node), `invalid-option`, `invalid-input` (what can't be read),
   * `out-of-memory`.
   */
  static create(source: Source, options?: SessionOptions): Promise<InferenceSession>;
  static create(
    buffer: ArrayBufferLike,
    byteOffset: number,
    byteLength?: number,
    options?: SessionOptions,
  ): Promise<InferenceSession>;
  static async create(
    source: Source,
    second?: number | SessionOptions,
    third?: number | SessionOptions,
    fourth?: SessionOptions,
  ): Promise<InferenceSession> {
    if (typeof second !== 'number') return openSession(source, second ?? {});
    const length = typeof third === 'number' ? third : undefined;
    const options = fourth ?? (typeof third === 'object' ? third : {});
    let part: Uint8Array;
    try {
      part = new Uint8Array(source as ArrayBuffer, second, length);
    } catch (error) {
      throw new OctetError('invalid-input', `InferenceSession.create: ${(error as Error).message}`);
    }
    return openSession(part, options);
  }

  /** @internal */
  static wrap(runner: SessionRunner, profiling = false): InferenceSession {
    return new InferenceSession(runner, profiling);
  }

  /**
   * Runs the model. Runs may be started at any time; each answers for its own feeds. `fetches` names the outputs
   * wanted, or maps them to tensors whose memory receives the result. Of the options `terminate` ends the run before it begins, as
   * an error of code 'aborted'; the others, which steer logging and arenas, are accepted and have no meaning here.
   *
   * Throws `invalid-input` (an input that is missing, unknown, or of another type or shape; a released session),
   * `invalid-option`, `out-of-memory`, `aborted`.
   */
  run(feeds: Ort.FeedsType, options?: Ort.RunOptions): Promise<Ort.ReturnType>;
  run(
    feeds: Ort.FeedsType,
    fetches: Ort.FetchesType,
    options?: Ort.RunOptions,
  ): Promise<Ort.ReturnType>;
  async run(
    feeds: Ort.FeedsType,
    fetchesOrOptions?: Ort.FetchesType | Ort.RunOptions,
    optionsAfterFetches?: Ort.RunOptions,
  ): Promise<Ort.ReturnType> {
    const runner = this.#open();
    const isOptions = this.#isRunOptions(fetchesOrOptions);
    checkRunOptions(isOptions ? fetchesOrOptions : optionsAfterFetches);
    const fetches = this.#fetches(isOptions ? undefined : fetchesOrOptions);
    const results = await runner.run(this.#feeds(feeds), fetches.numbers);
    return this.#answer(results, fetches);
  }

  /**
   * Runs, letting events in, and returns how many milliseconds the run took without these: nothing of what a first run prepares, and
   * nothing of carrying values. Of a session that starts no other run meanwhile, like the one below, and that is one of this thread's
   * engine.
   * @internal
   */
  async timeInSlices(feeds: Ort.FeedsType, signal: AbortSignal | undefined): Promise<number> {
    const runner = this.#open() as EngineRunner;
    return runner.timeInSlices(this.#feeds(feeds), signal);
  }

  /**
   * Runs, letting events in. `fetches`: names of outputs.
   * @internal
   */
  async runInSlices(
    feeds: Ort.FeedsType,
    signal: AbortSignal | undefined,
    fetches?: readonly string[],
  ): Promise<Record<string, Tensor>> {
    const runner = this.#open() as EngineRunner;
    const { names, numbers } = this.#fetches(fetches);
    const results = await runner.runInSlices(this.#feeds(feeds), numbers, signal);
    return Object.fromEntries(names.map((name, i) => [name, results[i] as Tensor]));
  }

  /**
   * Frees the session's memory; later calls fail. A session that is lost without this is freed when the engine collects its
   * garbage, which may be late or never; with `env.debug` the first one is told of on the console.
   */
  async release(): Promise<void> {
    const runner = this.#runner;
    this.#runner = undefined;
    forgetLoss(this);
    await runner?.release();
  }

  /** The same, for `await using session = await InferenceSession.create(…)`. */
  async [asyncDispose](): Promise<void> {
    await this.release();
  }

  /** Profiling is chosen at creation with `enableProfiling`; this resumes reporting it. */
  startProfiling(): void {
    this.#profiling = true;
  }

  /** `profile` is empty from now on. */
  endProfiling(): void {
    this.#profiling = false;
  }

  /** Steps of the last run, when the session was created with `enableProfiling`. */
  get profile(): StepTime[] {
    const runner = this.#open();
    return this.#profiling ? runner.profile() : [];
  }

  #open(): SessionRunner {
    if (!this.#runner) throw releasedError();
    return this.#runner;
  }

  /** Like onnxruntime: an object is a map of fetches if one of its keys names an output, else run options. */
  #isRunOptions(
    argument: Ort.FetchesType | Ort.RunOptions | undefined,
  ): argument is Ort.RunOptions {
    if (typeof argument !== 'object' || argument === null || Array.isArray(argument)) return false;
    return !Object.keys(argument).some((name) => this.outputNames.includes(name));
  }

  #fetches(fetches: Ort.FetchesType | undefined): Fetches {
    if (fetches === undefined || fetches === null) return this.#allOutputs;
    if (typeof fetches !== 'object')
      throw new OctetError('invalid-input', 'run: fetches is neither an array nor an object');
    if (Array.isArray(fetches)) return this.#outputsNamed([...new Set(fetches)]);
    return { ...this.#outputsNamed(Object.keys(fetches)), targets: Object.values(fetches) };
  }

  /** Called on the session, which is not lost before its runs have ended. */
  #answer(results: readonly OctetValue[], { names, targets }: Fetches): Ort.ReturnType {
    const named: Record<string, unknown> = {};
    for (let i = 0; i < names.length; ++i)
      named[names[i]] = intoTarget(names[i], results[i], targets?.[i]);
    return named as Ort.ReturnType;
  }

  #outputsNamed(names: readonly unknown[]): Fetches {
    const numbers = names.map((name) => this.outputNames.indexOf(name as string));
    const unknown = numbers.indexOf(-1);
    if (unknown !== -1)
      throw new OctetError(
        'invalid-input',
        `the model has no output '${String(names[unknown])}'; it has ${this.outputNames.join(', ')}`,
      );
    return { names: names as string[], numbers };
  }

  /** The feeds in the order of the inputs. */
  #feeds(feeds: Ort.FeedsType): unknown[] {
    if (typeof feeds !== 'object' || feeds === null)
      throw new OctetError('invalid-input', 'run: feeds is not an object of tensors by name');
    for (const name of Object.keys(feeds))
      if (!this.inputNames.includes(name))
        throw new OctetError(
          'invalid-input',
          `the model has no input '${name}'; it has ${this.inputNames.join(', ')}`,
        );
    for (const port of this.inputMetadata) checkFeed(port, feeds[port.name]);
    return this.inputNames.map((name) => feeds[name]);
  }
}

/** The types that onnxruntime-common has under this name. */
export declare namespace InferenceSession {
  export type OnnxValueMapType = Ort.OnnxValueMapType;
  export type NullableOnnxValueMapType = Ort.NullableOnnxValueMapType;
  export type FeedsType = Ort.FeedsType;
  export type FetchesType = Ort.FetchesType;
  export type ReturnType = Ort.ReturnType;
  export type SessionOptions = CreateOptions;
  export type ExecutionProviderOptionMap = Ort.ExecutionProviderOptionMap;
  export type ExecutionProviderName = Ort.ExecutionProviderName;
  export type ExecutionProviderConfig = Ort.ExecutionProviderConfig;
  export type ExecutionProviderOption = Ort.ExecutionProviderOption;
  export type CpuExecutionProviderOption = Ort.CpuExecutionProviderOption;
  export type CudaExecutionProviderOption = Ort.CudaExecutionProviderOption;
  export type DmlExecutionProviderOption = Ort.DmlExecutionProviderOption;
  export type TensorRtExecutionProviderOption = Ort.TensorRtExecutionProviderOption;
  export type WebAssemblyExecutionProviderOption = Ort.WebAssemblyExecutionProviderOption;
  export type WebGLExecutionProviderOption = Ort.WebGLExecutionProviderOption;
  export type XnnpackExecutionProviderOption = Ort.XnnpackExecutionProviderOption;
  export type WebGpuExecutionProviderOption = Ort.WebGpuExecutionProviderOption;
  export type WebNNExecutionProviderName = Ort.WebNNExecutionProviderName;
  export type WebNNContextOptions = Ort.WebNNContextOptions;
  export type WebNNOptionsWithoutMLContext = Ort.WebNNOptionsWithoutMLContext;
  export type WebNNOptionsWithMLContext = Ort.WebNNOptionsWithMLContext;
  export type WebNNOptionsWebGpu = Ort.WebNNOptionsWebGpu;
  export type WebNNExecutionProviderOption = Ort.WebNNExecutionProviderOption;
  export type QnnExecutionProviderOption = Ort.QnnExecutionProviderOption;
  export type CoreMLExecutionProviderOption = Ort.CoreMLExecutionProviderOption;
  export type NnapiExecutionProviderOption = Ort.NnapiExecutionProviderOption;
  export type RunOptions = Ort.RunOptions;
  export type ValueMetadataBase = Ort.ValueMetadataBase;
  export type NonTensorValueMetadata = Ort.NonTensorValueMetadata;
  export type TensorValueMetadata = Ort.TensorValueMetadata;
  export type ValueMetadata = Ort.ValueMetadata;
}

function checkFeed(port: ValueMetadata, feed: unknown): void {
  const { name } = port;
  if (feed === undefined || (feed === null && port.isTensor))
    throw new OctetError('invalid-input', `input '${name}' is missing`);
  const tensor = feed as Tensor;
  if (port.isTensor && isTensorLike(tensor) && tensor.type !== port.type)
    throw new OctetError(
      'invalid-input',
      `input '${name}' expects ${port.type}, not ${String(tensor.type)}`,
    );
}

function intoTarget(
  name: string,
  result: OctetValue,
  target: Tensor | null | undefined,
): OctetValue {
  if (!target) return result;
  if (!isTensorLike(result))
    throw new OctetError('invalid-input', `output '${name}' is not a tensor, and its target is`);
  const fits =
    target.type === result.type && target.dims.join() === result.dims.join() && target.data;
  if (!fits)
    throw new OctetError(
      'invalid-input',
      `output '${name}' is ${result.type} [${result.dims}], its target ${target.type} [${target.dims}]`,
    );
  (target.data as Float32Array).set(result.data as Float32Array);
  return target;
}

/** A session of this thread's engine; `isShared` as in `openModel`. */
async function createSession(
  model: Model,
  options: Omit<SessionOptions, 'externalData'>,
  { isShared = false }: { isShared?: boolean } = {},
): Promise<InferenceSession> {
  checkOptions(options);
  const { signal, onProgress } = options;
  const opened = await openModel(model, { isShared, signal, onProgress });
  const profile = options.enableProfiling ?? false;
  try {
    const handle = opened.engine.call((module) =>
      module.createSession(opened.handle, {
        optimize: options.graphOptimizationLevel !== 'disabled',
        freeDimensions: Object.entries(options.freeDimensionOverrides ?? {}),
        profile,
      }),
    );
    return InferenceSession.wrap(new EngineRunner(opened.engine, handle), profile);
  } finally {
    if (!opened.engine.isDead) opened.engine.get(() => opened.handle.delete());
  }
}

/** Opens a session to measure a model with, whose bytes are read where they are, and releases it after `body`. */
export async function withSharedSession<T>(
  model: Model,
  body: (session: InferenceSession) => Promise<T>,
): Promise<T> {
  const session = await createSession(model, {}, { isShared: true });
  try {
    return await body(session);
  } finally {
    await session.release();
  }
}

/** A session wherever the settings want it. */
async function openSession(source: Source, options: SessionOptions): Promise<InferenceSession> {
  const worker = proxy();
  if (!worker) return createSession({ source, externalData: options.externalData }, options);
  checkOptions(options);
  const runner = await worker.createSession(source, options);
  return InferenceSession.wrap(runner, options.enableProfiling ?? false);
}
