import type { Feeds } from './compare.js';
import { throwIfAborted } from './errors.js';
import { median } from './median.js';
import type { Model } from './model.js';
import { yieldToEvents } from './pause.js';
import { withSharedSession } from './session.js';

/** That a median is taken from, at most. */
const mostRuns = 7;
/** What the runs of one model take, roughly, unless a single one takes longer. */
const budgetMs = 100;

/** Milliseconds of `most` runs of a model with the same feeds, or of fewer where they take long. */
const timesOf = (
  model: Model,
  feeds: Feeds,
  most: number,
  signal: AbortSignal | undefined,
): Promise<number[]> =>
  withSharedSession(model, async (session) => {
    const times: number[] = [];
    let total = 0;
    while (times.length === 0 || (times.length < most && total < budgetMs)) {
      await yieldToEvents();
      throwIfAborted(signal);
      const time = await session.timeInSlices(feeds, signal);
      times.push(time);
      total += time;
    }
    return times;
  });

/**
 * Median milliseconds of a run of each model, and how many runs of each there were at least. One model after the other, for
 * then there is never more than one in memory.
 */
export async function latenciesOf(
  models: readonly [Model, Model],
  feeds: Feeds,
  signal: AbortSignal | undefined,
): Promise<{ medians: [number, number]; runs: number }> {
  const first = await timesOf(models[0], feeds, mostRuns, signal);
  const second = await timesOf(models[1], feeds, first.length, signal);
  return {
    medians: [median(first), median(second)],
    runs: second.length,
  };
}
