import { abortError, throwIfAborted } from './errors.js';

/** How long work goes on without letting events in, roughly. */
export const sliceMs = 30;

/** Lets events in: an abort, a repaint. Timers would be held up, by some milliseconds where they are nested. */
export const yieldToEvents = (): Promise<void> =>
  new Promise((resolve) => {
    if (typeof setImmediate === 'function') return void setImmediate(resolve);
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });

/**
 * For long work: called between any two pieces of it, lets events in whenever some time has passed, and then throws
 * `aborted` if `signal` is.
 */
export function pacer(signal: AbortSignal | undefined): () => Promise<void> {
  let end = performance.now() + sliceMs;
  return async () => {
    if (performance.now() < end) return;
    await yieldToEvents();
    throwIfAborted(signal);
    end = performance.now() + sliceMs;
  };
}

/**
 * Repeats a step while it asks for more, at the pace of `pacer`; throws `aborted` if a step, the last one too, led to that. Returns
 * how many milliseconds the steps took, without what went on between them.
 */
export async function inSlices(step: () => boolean, signal?: AbortSignal): Promise<number> {
  const pace = pacer(signal);
  let milliseconds = 0;
  for (let isMore = true; isMore; ) {
    const start = performance.now();
    isMore = step();
    milliseconds += performance.now() - start;
    if (isMore) await pace();
  }
  throwIfAborted(signal);
  return milliseconds;
}

/** Settles like `promise`, or fails with `aborted` as soon as the signal is. */
export async function orAborted<T>(promise: PromiseLike<T>, signal?: AbortSignal): Promise<T> {
  if (!signal) return promise;
  if (signal.aborted) Promise.resolve(promise).catch(() => {});
  throwIfAborted(signal);
  let stop = () => {};
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(abortError(signal));
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
