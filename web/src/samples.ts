import type { Feeds } from './compare.js';
import { OctetError } from './errors.js';
import { orAborted, yieldToEvents } from './pause.js';
import { isTensorLike } from './tensor.js';

/** Feeds one after the other, made when they are asked for. Where there is a `length`, progress counts up to it. */
export type Samples = (Iterable<Feeds> | AsyncIterable<Feeds>) & {
  /** How many there are, for progress. */
  readonly length?: number;
};

export interface SampleOptions {
  /** The option or parameter that the samples are, for errors: calibration[3]. */
  what: 'calibration' | 'samples';
  signal?: AbortSignal;
  /** Stops after as many. */
  limit?: number;
  /** Stops when this is true of how many there were. */
  isEnough?: (count: number) => boolean;
}

const isIterable = (value: unknown): value is Samples =>
  Symbol.iterator in Object(value) || Symbol.asyncIterator in Object(value);

/** Throws `invalid-option` for what can't be iterated over. */
export function checkSamples(samples: unknown, what: SampleOptions['what']): void {
  if (!isIterable(samples) || typeof samples === 'string')
    throw new OctetError('invalid-option', `${what}: samples expected, an iterable of feeds`);
}

export const iteratorOf = (samples: Samples): Iterator<Feeds> | AsyncIterator<Feeds> =>
  Symbol.asyncIterator in samples ? samples[Symbol.asyncIterator]() : samples[Symbol.iterator]();

/** Whether every iteration begins with the first sample: a generator is its own iterator, and empty after one. */
export function startsAnew(samples: Samples | undefined): boolean {
  return isIterable(samples) && (iteratorOf(samples) as unknown) !== samples;
}

/** The first of them. */
export async function* firstOf(samples: Samples): AsyncGenerator<Feeds> {
  for await (const feeds of samples) {
    yield feeds;
    return;
  }
}

/** The place of the first NaN or Infinity; -1 when there is none. Masks may well have -Infinity. */
function firstBad(type: string, data: ArrayLike<number>): number {
  const isBits = type === 'float16' && data instanceof Uint16Array;
  for (let i = 0; i < data.length; ++i)
    if (isBits ? (data[i] & 0x7fff) > 0x7c00 || data[i] === 0x7c00 : !(data[i] < Infinity))
      return i;
  return -1;
}

/** Throws `invalid-input`, also for numbers that no range could be found with. */
function checkFeeds(feeds: unknown): asserts feeds is Feeds {
  if (typeof feeds !== 'object' || feeds === null || Array.isArray(feeds) || isTensorLike(feeds))
    throw new OctetError('invalid-input', 'an object of tensors by input name expected');
  for (const [name, feed] of Object.entries(feeds)) {
    if (!isTensorLike(feed) || !feed.type.startsWith('float')) continue;
    const data = feed.data as ArrayLike<number>;
    const bad = firstBad(feed.type, data);
    if (bad >= 0)
      throw new OctetError(
        'invalid-input',
        `input '${name}' has ${feed.type === 'float16' ? 'NaN or Infinity' : data[bad]} at element ${bad}; ` +
          'give finite numbers, or leave this sample out',
      );
  }
}

/** Runs the body; says of errors which sample they are about. */
export async function naming<T>(place: string, body: () => T | Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (error) {
    if (!(error instanceof OctetError) || error.code === 'aborted') throw error;
    throw new OctetError(error.code, `${place}: ${error.message}`, { cause: error });
  }
}

/** Where an iteration is, which has to be closed unless it came to its end. */
class Cursor {
  readonly #iterator: Iterator<Feeds> | AsyncIterator<Feeds>;
  #isAtEnd = false;

  constructor(samples: Samples) {
    this.#iterator = iteratorOf(samples);
  }

  /** Nothing at the end. */
  async next(): Promise<{ feeds: unknown } | undefined> {
    try {
      const { done, value } = await this.#iterator.next();
      this.#isAtEnd = done === true;
      return done ? undefined : { feeds: await value };
    } catch (error) {
      this.#isAtEnd = true;
      throw error;
    }
  }

  /** Whatever goes wrong there: the caller has an error of its own, or all it wanted. */
  async close(): Promise<void> {
    try {
      if (!this.#isAtEnd) await this.#iterator.return?.();
    } catch {
      // see above
    }
  }
}

/**
 * Calls `use` with one sample after the other, of which it keeps none, and lets events in before each; returns how many
 * there were. Errors of `use` are told with the sample's number, those of the iterator as they are. The iterator is closed
 * when the loop ends before it does; an abort waits for neither the next sample nor the closing.
 * Throws `invalid-input` when there are none, and for samples that are not objects or have numbers without a range.
 */
export async function forEachSample(
  samples: Samples,
  { what, signal, limit = Infinity, isEnough = () => false }: SampleOptions,
  use: (feeds: Feeds, index: number) => Promise<void>,
): Promise<number> {
  const cursor = new Cursor(samples);
  let count = 0;
  try {
    for (; count < limit && !isEnough(count); ++count) {
      await orAborted(yieldToEvents(), signal);
      const next = await orAborted(cursor.next(), signal);
      if (!next) break;
      await naming(`${what}[${count}]`, () => {
        checkFeeds(next.feeds);
        return use(next.feeds, count);
      });
    }
  } finally {
    const closed = cursor.close();
    if (!signal?.aborted) await closed;
  }
  if (count === 0) throw new OctetError('invalid-input', `${what}: there are no samples`);
  return count;
}
