/** The page's side of the worker: calls as functions that return promises. */
import type { Calls, FromWorker, ToWorker } from './protocol.ts';

/** A failure in the worker, with Octet's error code. */
export class EngineError extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

export interface CallOptions {
  onProgress?: (progress: { done: number; total: number }) => void;
  signal?: AbortSignal;
}

interface Pending {
  resolve: (value: unknown) => void;
  reject: (error: Error) => void;
  options: CallOptions;
}

const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
const pending = new Map<number, Pending>();
let nextCall = 1;

worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
  const call = pending.get(data.id);
  if (!call) return;
  if ('progress' in data) return call.options.onProgress?.(data.progress);
  pending.delete(data.id);
  if ('error' in data) call.reject(new EngineError(data.error.code, data.error.message));
  else call.resolve(data.value);
};
worker.onerror = (event) => {
  for (const call of pending.values()) call.reject(new EngineError('internal', event.message));
  pending.clear();
};

/** Calls the worker. */
export function call<Name extends keyof Calls>(
  name: Name,
  args: Parameters<Calls[Name]>,
  options: CallOptions = {},
): Promise<ReturnType<Calls[Name]>> {
  const id = nextCall++;
  const send = (message: ToWorker) => worker.postMessage(message);
  options.signal?.addEventListener('abort', () => send({ abort: id }), { once: true });
  return new Promise((resolve, reject) => {
    pending.set(id, { resolve: resolve as (value: unknown) => void, reject, options });
    send({ id, name, arguments: args } as ToWorker);
  });
}
