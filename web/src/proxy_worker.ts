/** The worker of `env.wasm.proxy`: does what the page asks for (proxy.ts) with an engine of its own. */
import { type CompareOptions, type Feeds, compare } from './compare.js';
import { env } from './env.js';
import { OctetError } from './errors.js';
import { type InspectOptions, inspect } from './inspect.js';
import {
  type FromPage,
  type FromWorker,
  type Hello,
  type Pull,
  type Pulled,
  type Request,
  type ThreadLoss,
  type WorkerNews,
  buffersOf,
  pack,
} from './messages.js';
import type { Watch } from './progress.js';
import type { RemoteSession } from './proxy.js';
import { quantize } from './quantize.js';
import type { QuantizeOptions } from './quantize_options.js';
import type { Samples } from './samples.js';
import { InferenceSession, type SessionOptions } from './session.js';
import type { Source } from './source.js';
import { startThreadsBy } from './threads.js';

/** What the page has for a request, from here. */
interface Hooks extends Watch {
  samples?: Samples;
  signal: AbortSignal;
}

/** Memory in `moved` goes over to the page. */
interface Answer {
  value: unknown;
  moved?: Transferable[];
}

const sessions = new Map<number, InferenceSession>();
let created = 0;

async function createSession(
  argument: { source: Source; options: SessionOptions },
  { signal, onProgress }: Hooks,
): Promise<Answer> {
  const options = { ...argument.options, signal, onProgress };
  const session = await InferenceSession.create(argument.source, options);
  const number = created++;
  sessions.set(number, session);
  // The page may give up while the answer is on its way.
  signal.addEventListener('abort', () => void release({ number }));
  const { inputMetadata: inputs, outputMetadata: outputs } = session;
  return { value: { number, inputs, outputs } satisfies RemoteSession };
}

async function run(argument: { number: number; feeds: Feeds; names: string[] }): Promise<Answer> {
  const session = sessions.get(argument.number)!;
  const outputs = await session.run(argument.feeds, argument.names);
  const results = argument.names.map((name) => pack(name, outputs[name]));
  return { value: { results, profile: session.profile }, moved: buffersOf(results) };
}

async function release({ number }: { number: number }): Promise<Answer> {
  await sessions.get(number)!.release();
  return { value: sessions.delete(number) };
}

async function quantizeFor(
  argument: { source: Source; options: QuantizeOptions },
  { samples: calibration, signal, onProgress }: Hooks,
): Promise<Answer> {
  const options = { ...argument.options, calibration, signal, onProgress };
  const value = await quantize(argument.source, options);
  return { value, moved: [value.model.buffer as ArrayBuffer] };
}

async function compareFor(
  { sources, options }: { sources: [Source, Source]; options: CompareOptions },
  { samples, signal, onProgress }: Hooks,
): Promise<Answer> {
  return { value: await compare(...sources, samples!, { ...options, signal, onProgress }) };
}

const operations: Record<string, (argument: never, hooks: Hooks) => Promise<Answer>> = {
  create: createSession,
  run,
  release,
  quantize: quantizeFor,
  compare: compareFor,
  inspect: async (
    { source, options }: { source: Source; options: InspectOptions },
    { signal, onProgress }: Hooks,
  ) => ({
    value: await inspect(source, { ...options, signal, onProgress }),
  }),
};

/** One request. */
class Call {
  readonly #port: MessagePort;
  readonly #aborter = new AbortController();
  readonly #pulls = new Map<number, (pulled: Pulled) => void>();
  #pulled = 0;
  #iterators = 0;

  constructor(private readonly request: Request) {
    this.#port = request.port;
    this.#port.onmessage = ({ data }: MessageEvent<FromPage>) => {
      if ('abort' in data) this.#aborter.abort();
      else this.#pulls.get(data.pulled.id)?.(data.pulled);
    };
  }

  async answer(): Promise<void> {
    const { operation, argument, onProgress } = this.request;
    const hooks: Hooks = {
      samples: this.#samples(),
      signal: this.#aborter.signal,
      onProgress: onProgress ? (progress) => this.#send({ progress }) : undefined,
    };
    try {
      const { value, moved } = await operations[operation](argument as never, hooks);
      const { simd, threads } = env.octet;
      this.#send({ value, engine: { simd, threads } }, moved);
    } catch (error) {
      const code = error instanceof OctetError ? error.code : 'internal';
      const message = error instanceof Error ? error.message : String(error);
      this.#send({ error: { code, message } });
    }
  }

  #send(message: FromWorker, moved: Transferable[] = []): void {
    this.#port.postMessage(message, moved);
  }

  /** Samples that are asked for one by one. */
  #samples(): Samples | undefined {
    const { samples } = this.request;
    if (!samples) return undefined;
    const length = samples.length === undefined ? {} : { length: samples.length };
    if (samples.startsAnew) return { ...length, [Symbol.asyncIterator]: () => this.#iterator() };
    const once = { ...length, ...this.#iterator(), [Symbol.asyncIterator]: () => once };
    return once as Samples;
  }

  #iterator(): AsyncIterator<Feeds> {
    const iterator = this.#iterators++;
    return {
      next: () => this.#pull({ iterator, method: 'next' }),
      return: () => this.#pull({ iterator, method: 'return' }),
    };
  }

  async #pull(wanted: Omit<Pull, 'id'>): Promise<IteratorResult<Feeds>> {
    const id = this.#pulled++;
    const pulled = await new Promise<Pulled>((resolve) => {
      this.#pulls.set(id, resolve);
      this.#send({ pull: { id, ...wanted } });
    });
    this.#pulls.delete(id);
    // The page has told its caller why.
    if (!pulled.result) throw new OctetError('invalid-input', 'the samples failed');
    return pulled.result as IteratorResult<Feeds>;
  }
}

const tell = (news: WorkerNews) => globalThis.postMessage(news);

const threadLosses = new Map<number, () => void>();

/** By the page. */
startThreadsBy((thread, onError) => {
  threadLosses.set(thread.worker, onError);
  tell({ thread });
});

function start({ settings, lock }: Hello): void {
  Object.assign(env.wasm, settings);
  navigator.locks?.request(lock, () => {
    tell({ alive: true });
    return new Promise(() => {});
  });
}

globalThis.onmessage = ({ data }: MessageEvent<Hello | Request | ThreadLoss>) => {
  if ('lostThread' in data) threadLosses.get(data.lostThread)?.();
  else if ('operation' in data) void new Call(data).answer();
  else start(data);
};
