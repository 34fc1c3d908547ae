/** The page's side of a worker: calls as functions that return promises. */
import type { Calls, FromWorker, Progress, ToWorker } from './protocol.ts';

/** A failure in the worker, with Octet's error code. */
export class EngineError extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

export interface CallOptions {
  onProgress?: (progress: Progress) => void;
  /** An abort ends the call at once for the page, and as soon as it can be for the worker. */
  signal?: AbortSignal;
}

interface Pending {
  resolve: (value: unknown) => void;
  reject: (error: Error) => void;
  onProgress?: (progress: Progress) => void;
}

/** One worker with its own copy of Octet, started by the first call. */
export class Engine {
  #worker: Worker | undefined;
  readonly #pending = new Map<number, Pending>();
  #nextCall = 1;

  call<Name extends keyof Calls>(
    name: Name,
    args: Parameters<Calls[Name]>,
    { signal, onProgress }: CallOptions = {},
  ): Promise<ReturnType<Calls[Name]>> {
    const id = this.#nextCall++;
    const worker = (this.#worker ??= this.#start());
    const send = (message: ToWorker) => worker.postMessage(message);
    return new Promise((resolve, reject) => {
      const abort = () => {
        if (this.#pending.delete(id)) send({ abort: id });
        reject(new EngineError('aborted', `${name} was aborted`));
      };
      if (signal?.aborted) return abort();
      signal?.addEventListener('abort', abort, { once: true });
      this.#pending.set(id, { resolve: resolve as (value: unknown) => void, reject, onProgress });
      send({ id, name, arguments: args } as ToWorker);
    });
  }

  /** Ends the worker: its sessions are gone, its memory is free. The next call starts another. */
  stop(reason = 'the engine was stopped'): void {
    this.#worker?.terminate();
    this.#worker = undefined;
    for (const call of this.#pending.values()) call.reject(new EngineError('aborted', reason));
    this.#pending.clear();
  }

  #start(): Worker {
    const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => this.#receive(data);
    worker.onerror = (event) => this.#fail(event.message || 'the worker could not be loaded');
    return worker;
  }

  #receive(message: FromWorker): void {
    const call = this.#pending.get(message.id);
    if (!call) return;
    if ('progress' in message) return call.onProgress?.(message.progress);
    this.#pending.delete(message.id);
    if ('error' in message) call.reject(new EngineError(message.error.code, message.error.message));
    else call.resolve(message.value);
  }

  #fail(message: string): void {
    for (const call of this.#pending.values()) call.reject(new EngineError('internal', message));
    this.#pending.clear();
    this.stop();
  }
}
