/**
 * What goes between a page and the worker of `env.wasm.proxy`: requests to the worker, each with a port of its own, on which
 * everything else about it goes back and forth until its answer.
 */
import type { Env, WasmFlags } from './env.js';
import type { OctetErrorCode } from './errors.js';
import type { Progress } from './progress.js';
import { type Samples, iteratorOf, startsAnew } from './samples.js';
import { elementsOf, isTensorLike, makeTensor, stringsOf, type ElementType } from './tensor.js';
import type { ThreadTask } from './threads.js';

/** What the worker says of itself: that it holds the lock, or that the page is to start a thread. */
export type WorkerNews = { alive: true } | { thread: ThreadTask };

/** A thread that the page started has failed. */
export interface ThreadLoss {
  lostThread: number;
}

/** The first message. The worker holds the lock for as long as it lives. */
export interface Hello {
  settings: WasmFlags;
  lock: string;
}

export interface Request {
  operation: string;
  argument: unknown;
  /** Which of these the page has. */
  samples?: { length?: number; startsAnew: boolean };
  onProgress: boolean;
  port: MessagePort;
}

/** Iterators live in the page; each has a number. */
export interface Pull {
  id: number;
  iterator: number;
  method: 'next' | 'return';
}

export interface Pulled {
  id: number;
  result?: IteratorResult<unknown>;
}

/** On the port, from the worker: the last two are answers. */
export type FromWorker =
  | { progress: Progress }
  | { pull: Pull }
  | { value: unknown; engine: Pick<Env['octet'], 'simd' | 'threads'> }
  | { error: { code: OctetErrorCode; message: string } };

/** On the port, from the page. A pull without a result has failed. */
export type FromPage = { abort: true } | { pulled: Pulled };

/** What a worker has to know of samples to offer the same. */
export const describeSamples = (samples: Samples) => ({
  length: samples.length,
  startsAnew: startsAnew(samples),
});

/** The iterator of this number, which its first use begins. */
export function iteratorAt(
  iterators: Map<number, ReturnType<typeof iteratorOf>>,
  number: number,
  samples: Samples,
): ReturnType<typeof iteratorOf> {
  const iterator = iterators.get(number) ?? iteratorOf(samples);
  iterators.set(number, iterator);
  return iterator;
}

/** An array whose buffer has nothing else in it, which would be sent along. */
export function alone<A extends ArrayBufferView & { slice(): A }>(array: A): A {
  return array.byteLength === array.buffer.byteLength ? array : array.slice();
}

/**
 * A value that can be sent: for tensors, of whatever class, objects with what the engine reads of them. What is no value of a
 * model becomes something else that is none, for the worker to refuse. Throws `invalid-input` for tensors whose elements are not
 * there.
 */
export function pack(name: string, value: unknown): unknown {
  if (value === undefined || value === null || value instanceof Map) return value;
  if (Array.isArray(value)) return value.map((item) => pack(name, item));
  if (!isTensorLike(value)) return {};
  const { type, dims } = value;
  const data =
    type === 'string' ? stringsOf(name, value) : alone(elementsOf(name, value) as Uint8Array);
  return { type, dims, data };
}

/** Feeds that can be sent; null, which the worker refuses, for what is none. */
export function packFeeds(feeds: unknown): unknown {
  if (typeof feeds !== 'object' || feeds === null || Array.isArray(feeds) || isTensorLike(feeds))
    return null;
  return Object.fromEntries(Object.entries(feeds).map(([name, feed]) => [name, pack(name, feed)]));
}

/** The reverse of `pack`. */
export function unpack(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(unpack);
  if (!isTensorLike(value)) return value;
  return makeTensor(value.type as ElementType, value.data, [...value.dims]);
}

/** The memory of packed values, which can change hands. */
export function buffersOf(value: unknown): Transferable[] {
  if (Array.isArray(value)) return value.flatMap(buffersOf);
  if (!isTensorLike(value) || value.type === 'string') return [];
  return [(value.data as Uint8Array).buffer as ArrayBuffer];
}
