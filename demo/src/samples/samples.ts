/** Samples as a plan has them, each made when it is wanted and kept by nobody. */
import type { PlainFeeds, TensorData } from '../engine/protocol.ts';
import { elementCount, elementTypeOf, filled, randomNumbers } from './element_types.ts';
import { type Load, fileSamples } from './file_samples.ts';
import { drawing, pictureValues } from './pictures.ts';
import type { PlannedInput, SamplePlan } from './plan.ts';
import { SampleError } from './sample_error.ts';

/** As long as the plan says, and anew with the same samples at every iteration. */
export interface PlannedSamples extends AsyncIterable<PlainFeeds> {
  readonly length: number;
}

type Make = (index: number, uniform: () => number) => TensorData | Promise<TensorData>;

/** How to make the values of an input, and how many differ from one another, where that is told. */
interface Source {
  count?: number;
  make: Make;
}

async function sourceOf(input: PlannedInput): Promise<Source> {
  const { filling } = input;
  const [element, size] = [elementTypeOf(input), elementCount(input)];
  switch (filling.kind) {
    case 'random':
      return { make: (_, uniform) => filled(element, size, () => element.random(uniform())) };
    case 'value':
      return { count: 1, make: () => filled(element, size, () => filling.value) };
    case 'picture':
      return { count: 1, make: () => pictureValues(input, drawing(filling.picture)) };
    case 'files': {
      const loads: Load[] = await fileSamples(filling.files, input);
      return { count: loads.length, make: (index) => loads[index % loads.length]() };
    }
  }
}

/** How many samples there are: those of files, where a single one serves all; else as many as are asked for. */
function countOf(inputs: readonly PlannedInput[], sources: readonly Source[], asked: number) {
  const counted = inputs.flatMap(({ name }, i) => {
    const { count } = sources[i];
    return count === undefined ? [] : [{ name, count }];
  });
  const [first, ...others] = counted.filter(({ count }) => count > 1);
  const other = others.find(({ count }) => count !== first.count);
  if (other)
    throw new SampleError(
      `There are ${first.count} samples for input '${first.name}' and ${other.count} for '${other.name}'.`,
    );
  return first?.count ?? (counted.length < inputs.length ? asked : 1);
}

/** Looks at the files of the plan. Throws for what does not fit. */
export async function openSamples({ inputs, count }: SamplePlan): Promise<PlannedSamples> {
  const sources = await Promise.all(inputs.map(sourceOf));
  const length = countOf(inputs, sources, count);
  return {
    length,
    async *[Symbol.asyncIterator]() {
      const uniform = randomNumbers(1);
      for (let index = 0; index < length; ++index) {
        const feeds: PlainFeeds = {};
        for (const [i, { name, type, dims }] of inputs.entries())
          feeds[name] = { type, dims, data: await sources[i].make(index, uniform) };
        yield feeds;
      }
    },
  };
}
