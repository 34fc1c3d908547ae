import { Closeness } from './closeness.js';
import type { Feeds } from './compare.js';
import { OctetError } from './errors.js';
import type { InferenceSession } from './session.js';

export type Samples = Iterable<Feeds> | AsyncIterable<Feeds>;

/** Whether every iteration begins with the first sample: a generator is its own iterator, and empty after one. */
export function startsAnew(samples: Samples | undefined): boolean {
  const made =
    samples && Symbol.asyncIterator in samples
      ? samples[Symbol.asyncIterator]()
      : (samples as Iterable<Feeds>)?.[Symbol.iterator]?.();
  return made !== undefined && (made as unknown) !== samples;
}

/** What the float model answers to samples. The answers are kept to measure others against, the samples are not. */
export class FloatAnswers {
  readonly #outputs: Feeds[] = [];

  /** Throws `invalid-input` when there are no samples. */
  static async of(session: InferenceSession, samples: Samples): Promise<FloatAnswers> {
    const answers = new FloatAnswers();
    for await (const feeds of samples) answers.#outputs.push((await session.run(feeds)) as Feeds);
    if (!answers.#outputs.length)
      throw new OctetError('invalid-input', 'calibration: there are no samples');
    return answers;
  }

  /** SQNR of a session's worst output over the samples, or the first of them. */
  async sqnrOf(session: InferenceSession, samples: Samples): Promise<number> {
    const closeness = new Closeness();
    let index = 0;
    for await (const feeds of samples)
      closeness.add(
        session.outputNames,
        this.#outputs[index++],
        (await session.run(feeds)) as Feeds,
      );
    const levels = closeness.results(session.outputNames).map(({ sqnrDb }) => sqnrDb);
    const worst = Math.min(...levels);
    return Number.isNaN(worst) ? -Infinity : worst;
  }
}
