import { Closeness } from './closeness.js';
import type { Feeds } from './compare.js';
import { OctetError } from './errors.js';
import { pacer } from './pause.js';
import { type SampleOptions, type Samples, forEachSample } from './samples.js';
import type { InferenceSession } from './session.js';

/** Throws `invalid-input` for results that nothing can be measured against. */
function checkAnswers(outputs: Feeds): void {
  for (const [name, { type, data }] of Object.entries(outputs)) {
    if (type !== 'float32' && type !== 'float64') continue;
    const bad = (data as Float32Array).findIndex((value) => !Number.isFinite(value));
    if (bad >= 0)
      throw new OctetError(
        'invalid-input',
        `output '${name}' of the float model has ${data[bad]} at element ${bad}, which nothing can be measured against; ` +
          'leave this sample out',
      );
  }
}

/** What the float model answers to samples. The answers are kept to measure others against, the samples are not. */
export class FloatAnswers {
  readonly #outputs: Feeds[] = [];

  /** Throws `invalid-input` when there are no samples, or an answer that is not finite. */
  static async of(
    session: InferenceSession,
    samples: Samples,
    options: SampleOptions,
  ): Promise<FloatAnswers> {
    const answers = new FloatAnswers();
    await forEachSample(samples, options, async (feeds) => {
      const outputs = await session.runInSlices(feeds, options.signal);
      checkAnswers(outputs);
      answers.#outputs.push(outputs);
    });
    return answers;
  }

  /** SQNR of a session's worst output over the samples, or the first of them. */
  async sqnrOf(
    session: InferenceSession,
    samples: Samples,
    options: SampleOptions,
  ): Promise<number> {
    const closeness = new Closeness();
    await forEachSample(samples, options, async (feeds, index) =>
      closeness.add(
        session.outputNames,
        this.#outputs[index],
        await session.runInSlices(feeds, options.signal),
        pacer(options.signal),
      ),
    );
    const levels = closeness.results(session.outputNames).map(({ sqnrDb }) => sqnrDb);
    const worst = Math.min(...levels);
    return Number.isNaN(worst) ? -Infinity : worst;
  }
}
