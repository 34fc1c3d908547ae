import type { Feeds, InferenceSession } from './index.js';
import { UsageError } from './errors.js';
import { nearest } from './nearest.js';
import { randomTensor, uniform } from './random_feeds.js';
import { type SampleFlags, tensorFor } from './samples.js';
import { readTensorFile } from './tensor_file.js';

/** Feeds from NAME=FILE and NAME=random. */
export async function feedsFrom(
  session: InferenceSession,
  specs: string[],
  flags: SampleFlags,
): Promise<Feeds> {
  const random = uniform(1);
  const feeds: Feeds = {};
  for (const spec of specs) {
    const split = spec.indexOf('=');
    if (split < 1) throw new UsageError(`--input ${spec}: NAME=FILE expected`);
    const [name, place] = [spec.slice(0, split), spec.slice(split + 1)];
    const input = session.inputMetadata.find((port) => port.name === name);
    if (!input)
      throw new UsageError(
        `the model has no input '${name}'${nearest(name, session.inputNames)}; ` +
          `it has ${session.inputNames.join(', ')}`,
      );
    feeds[name] =
      place === 'random'
        ? randomTensor(input, flags.sizes, random)
        : tensorFor(input, await readTensorFile(place), place, flags);
  }
  return feeds;
}
