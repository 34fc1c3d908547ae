/**
 * The page's side of `env.wasm.proxy`: a worker of the package's own (proxy_worker.ts) has the engine, and everything that
 * takes time happens there; the page only starts its threads. A worker that ends takes its sessions with it; the next call
 * starts another.
 */
import type { CompareOptions, Comparison } from './compare.js';
import type { Quantized } from './correct.js';
import { env, type WasmFlags } from './env.js';
import { OctetError, abortError } from './errors.js';
import type { InspectOptions, ModelSummary } from './inspect.js';
import {
  type FromPage,
  type FromWorker,
  type Hello,
  type Pull,
  type Request,
  type ThreadLoss,
  type WorkerNews,
  alone,
  describeSamples,
  iteratorAt,
  pack,
  packFeeds,
  unpack,
} from './messages.js';
import { type ExternalData, readExternalData } from './model.js';
import { isNode } from './node.js';
import type { NodeFilter } from './node_filter.js';
import { orAborted } from './pause.js';
import type { Watch } from './progress.js';
import type { QuantizeOptions } from './quantize_options.js';
import type { Samples, iteratorOf } from './samples.js';
import type { SessionOptions, SessionRunner, StepTime, ValueMetadata } from './session.js';
import { type Reading, type Source, readAgain } from './source.js';
import type { OctetValue } from './tensor.js';
import { type ThreadTask, startInBrowser } from './threads.js';

/** What stays in the page during a call. */
interface Hooks extends Watch {
  samples?: Samples;
}

/** Relative addresses mean another place in the worker. What is no address is left to the worker to refuse. */
function absolute(place: string | URL): string {
  const base = typeof document === 'undefined' ? globalThis.location.href : document.baseURI;
  try {
    return new URL(place, base).href;
  } catch {
    return String(place);
  }
}

/** A source that can be sent. */
async function portable(source: Source, what: string, reading: Reading): Promise<Source> {
  const again = await orAborted(readAgain(source, what, reading), reading.signal);
  if (typeof again === 'string' || again instanceof URL) return absolute(again);
  return again instanceof Uint8Array ? alone(again) : again;
}

const portableFiles = (files: ExternalData | undefined, watch: Watch) =>
  readExternalData(files, portable, watch);

/** Settings for an engine that does not stand in the page. */
function settingsOfWorker(): WasmFlags {
  const { wasmPaths, ...settings } = env.wasm;
  if (typeof wasmPaths !== 'object')
    return { ...settings, proxy: false, ...(wasmPaths && { wasmPaths: absolute(wasmPaths) }) };
  const paths = Object.entries(wasmPaths).map(([file, place]) => [file, place && absolute(place)]);
  return { ...settings, proxy: false, wasmPaths: Object.fromEntries(paths) };
}

/** One request, from its sending to its answer. */
class Call {
  readonly answer: Promise<unknown>;
  readonly #iterators = new Map<number, ReturnType<typeof iteratorOf>>();
  #resolve!: (value: unknown) => void;
  #reject!: (error: unknown) => void;

  constructor(
    private readonly port: MessagePort,
    private readonly hooks: Hooks,
    private readonly onEnd: () => void,
  ) {
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    hooks.signal?.addEventListener('abort', this.#abort, { once: true });
    port.onmessage = ({ data }: MessageEvent<FromWorker>) => this.#take(data);
  }

  /** There will be no answer. */
  end(error: unknown): void {
    this.#close();
    for (const iterator of this.#iterators.values())
      Promise.resolve(iterator.return?.()).catch(() => {});
    this.#reject(error);
  }

  /** Fails now; the worker still clears up. */
  #fail(error: unknown): void {
    this.#send({ abort: true });
    this.#reject(error);
  }

  #abort = () => this.#fail(abortError(this.hooks.signal!));

  #send(message: FromPage): void {
    this.port.postMessage(message);
  }

  #close(): void {
    this.port.close();
    this.hooks.signal?.removeEventListener('abort', this.#abort);
    this.onEnd();
  }

  #take(message: FromWorker): void {
    if ('pull' in message) return void this.#pull(message.pull);
    if ('progress' in message) return this.#tell(message.progress);
    this.#close();
    if ('error' in message)
      return this.#reject(new OctetError(message.error.code, message.error.message));
    Object.assign(env.octet, message.engine);
    this.#resolve(message.value);
  }

  #tell(progress: Parameters<NonNullable<Hooks['onProgress']>>[0]): void {
    try {
      this.hooks.onProgress?.(progress);
    } catch (error) {
      this.#fail(error);
    }
  }

  async #pull({ id, iterator: number, method }: Pull): Promise<void> {
    try {
      const iterator = iteratorAt(this.#iterators, number, this.hooks.samples!);
      const { done = true, value } = (await iterator[method]?.()) ?? {};
      if (done) this.#iterators.delete(number);
      const result = done ? { done, value: undefined } : { done, value: packFeeds(await value) };
      this.#send({ pulled: { id, result } });
    } catch (error) {
      this.#iterators.delete(number);
      if (method === 'next') this.#reject(error);
      this.#send({ pulled: { id } });
    }
  }
}

/** A worker with an engine. */
class EngineWorker {
  readonly #worker: Worker;
  readonly #calls = new Set<Call>();
  /** Of the worker's engine, by number. */
  readonly #threads = new Map<number, Worker>();
  #end: OctetError | undefined;

  constructor() {
    // Spelled out, for bundlers to see.
    const worker = new Worker(new URL('./octet.proxy.js', import.meta.url), { type: 'module' });
    this.#worker = worker;
    worker.onerror = (event) => {
      event.preventDefault();
      this.#die(event.message || 'its script did not load');
    };
    const lock = `octet.proxy ${Date.now()} ${Math.random()}`;
    // Its first message says that it holds the lock, which only its end can free: some workers die without an error.
    worker.onmessage = ({ data }: MessageEvent<WorkerNews>) => {
      if ('thread' in data) this.#startThread(data.thread);
      else void navigator.locks.request(lock, () => this.#die('it was ended'));
    };
    worker.postMessage({ settings: settingsOfWorker(), lock } satisfies Hello);
  }

  get hasEnded(): boolean {
    return this.#end !== undefined;
  }

  async createSession(source: Source, options: SessionOptions): Promise<SessionRunner> {
    const { signal, onProgress, ...rest } = options;
    const argument = {
      source: await portable(source, 'the model', options),
      options: { ...rest, externalData: await portableFiles(options.externalData, options) },
    };
    const hooks = { signal, onProgress };
    return new RemoteRunner(this, await this.call<RemoteSession>('create', argument, hooks));
  }

  async inspect(source: Source, options: InspectOptions): Promise<ModelSummary> {
    const { signal, onProgress, ...rest } = options;
    const argument = {
      source: await portable(source, 'the model', options),
      options: { ...rest, externalData: await portableFiles(options.externalData, options) },
    };
    return this.call('inspect', argument, { signal, onProgress });
  }

  async compare(
    reference: Source,
    candidate: Source,
    samples: Samples,
    { signal, onProgress, ...options }: CompareOptions,
  ): Promise<Comparison> {
    const watch: Watch = { signal, onProgress };
    const sources = await Promise.all([
      portable(reference, 'the reference', watch),
      portable(candidate, 'the candidate', watch),
    ]);
    const externalData = await portableFiles(options.externalData, watch);
    const argument = { sources, options: { ...options, externalData } };
    return this.call('compare', argument, { samples, ...watch });
  }

  async quantize(
    given: Source,
    { calibration, signal, onProgress, ...options }: QuantizeOptions,
  ): Promise<Quantized> {
    const watch: Watch = { signal, onProgress };
    const source = await portable(given, 'the model', watch);
    const externalData = await portableFiles(options.externalData, watch);
    const { include, exclude } = options;
    const names = (filter: NodeFilter | undefined) => this.#names(filter, source, externalData);
    const argument = {
      source,
      options: {
        ...options,
        externalData,
        include: await orAborted(names(include), signal),
        exclude: await orAborted(names(exclude), signal),
      },
    };
    return this.call('quantize', argument, { samples: calibration, ...watch });
  }

  /** Sends a request; the argument is copied before this returns. */
  call<T>(operation: string, argument: unknown, hooks: Hooks = {}): Promise<T> {
    if (this.#end) return Promise.reject(this.#end);
    const { samples, onProgress } = hooks;
    const { port1, port2 } = new MessageChannel();
    const request: Request = {
      operation,
      argument,
      samples: samples && describeSamples(samples),
      onProgress: onProgress !== undefined,
      port: port2,
    };
    try {
      this.#worker.postMessage(request, [port2]);
    } catch (error) {
      const message = `what can't be sent to the worker of env.wasm.proxy: ${(error as Error).message}`;
      return Promise.reject(new OctetError('invalid-input', message, { cause: error }));
    }
    const call = new Call(port1, hooks, () => this.#calls.delete(call));
    this.#calls.add(call);
    return call.answer as Promise<T>;
  }

  /** Functions stay here, so they choose among the nodes before the worker does. */
  async #names(
    filter: NodeFilter | undefined,
    source: Source,
    externalData: ExternalData | undefined,
  ): Promise<NodeFilter | undefined> {
    if (typeof filter !== 'function') return filter;
    const { nodeList } = await this.inspect(source, { externalData });
    return nodeList.filter(filter).map(({ name }) => name);
  }

  #startThread(task: ThreadTask): void {
    const lose = () => this.#worker.postMessage({ lostThread: task.worker } satisfies ThreadLoss);
    try {
      this.#threads.set(task.worker, startInBrowser(task, lose));
    } catch {
      lose();
    }
  }

  #die(reason: string): void {
    if (this.#end) return;
    this.#end = new OctetError('internal', `the worker of env.wasm.proxy has ended: ${reason}`);
    this.#worker.terminate();
    for (const thread of this.#threads.values()) thread.terminate();
    for (const call of this.#calls) call.end(this.#end);
  }
}

export type { EngineWorker };

/** What the worker tells of a session that it has created. */
export interface RemoteSession {
  number: number;
  inputs: readonly ValueMetadata[];
  outputs: readonly ValueMetadata[];
}

/** Runs a session of the worker. */
class RemoteRunner implements SessionRunner {
  #profile: StepTime[] = [];

  constructor(
    private readonly worker: EngineWorker,
    private readonly session: RemoteSession,
  ) {}

  get inputs(): readonly ValueMetadata[] {
    return this.session.inputs;
  }

  get outputs(): readonly ValueMetadata[] {
    return this.session.outputs;
  }

  async run(feeds: readonly unknown[], wanted: readonly number[]): Promise<OctetValue[]> {
    const { number, inputs, outputs } = this.session;
    const packed = inputs.map(({ name }, i) => [name, pack(name, feeds[i])]);
    const names = wanted.map((output) => outputs[output].name);
    const argument = { number, feeds: Object.fromEntries(packed), names };
    type Answer = { results: unknown[]; profile: StepTime[] };
    const { results, profile } = await this.worker.call<Answer>('run', argument);
    this.#profile = profile;
    return results.map(unpack) as OctetValue[];
  }

  profile(): StepTime[] {
    return this.#profile;
  }

  async release(): Promise<void> {
    if (!this.worker.hasEnded) await this.worker.call('release', { number: this.session.number });
  }
}

let current: EngineWorker | undefined;

/** The worker that calls go to, where the settings ask for one and there are such. Throws `internal` if it can't be started. */
export function proxy(): EngineWorker | undefined {
  if (!env.wasm.proxy || isNode || typeof Worker === 'undefined') return undefined;
  if (current && !current.hasEnded) return current;
  try {
    current = new EngineWorker();
  } catch (error) {
    const message = `the worker of env.wasm.proxy can't be started: ${(error as Error).message}`;
    throw new OctetError('internal', message, { cause: error });
  }
  return current;
}
