import { Closeness, type TensorComparison } from './closeness.js';
import type { Feeds } from './compare.js';
import { throwIfAborted } from './errors.js';
import { type ModelSummary, inspect } from './inspect.js';
import { median } from './median.js';
import type { ExternalData } from './model.js';
import { pacer, yieldToEvents } from './pause.js';
import { type SampleOptions, type Samples, forEachSample, startsAnew } from './samples.js';
import { type InferenceSession, createSession } from './session.js';

/** A model, and where its data is. */
export interface Model {
  source: Uint8Array | Blob | URL | string;
  externalData?: ExternalData;
}

function commonNames(reference: ModelSummary, candidate: ModelSummary): string[] {
  const there = new Set(candidate.nodeList.flatMap((node) => node.outputs));
  const outputs = new Set(reference.outputs.map((port) => port.name));
  return reference.nodeList
    .filter((node) => node.opType !== 'Constant')
    .flatMap((node) => node.outputs)
    .filter((name) => name && there.has(name) && !outputs.has(name));
}

const summaryOf = ({ source, externalData }: Model) => inspect(source, { externalData });

/** Names of inner values that both models have, in the reference's order. */
export const commonLayers = async (reference: Model, candidate: Model): Promise<string[]> =>
  commonNames(await summaryOf(reference), await summaryOf(candidate));

/** Topping up runs for a median ends after this time. */
const patienceMs = 1000;

/** Two models that run the same samples, and how far apart their values are. */
export class ModelPair {
  readonly #closeness = new Closeness();
  readonly #times: [number[], number[]] = [[], []];

  private constructor(
    private readonly sessions: readonly [InferenceSession, InferenceSession],
    private readonly names: readonly string[],
    private readonly floatsOnly: boolean,
    private readonly signal: AbortSignal | undefined,
  ) {}

  /** Compares the outputs, or else the inner values named by `layers`. Bytes are read where they are. */
  static async open(
    reference: Model,
    candidate: Model,
    { layers, signal }: { layers?: string[]; signal?: AbortSignal },
  ): Promise<ModelPair> {
    const open = ({ source, externalData }: Model) =>
      createSession(source, { externalData }, { extraOutputs: layers, isShared: true });
    const first = await open(reference);
    try {
      await yieldToEvents();
      throwIfAborted(signal);
      const names = layers ?? first.outputNames;
      const second = await open(candidate);
      return new ModelPair([first, second], names, layers !== undefined, signal);
    } catch (error) {
      await first.release();
      throw error;
    }
  }

  async add(feeds: Feeds): Promise<void> {
    const [reference, candidate] = [await this.#run(0, feeds), await this.#run(1, feeds)];
    const isFloat = (name: string) => reference[name]?.type.startsWith('float');
    const names = this.floatsOnly ? this.names.filter(isFloat) : this.names;
    await this.#closeness.add(names, reference, candidate, pacer(this.signal));
  }

  /** Runs one sample again until each model has run `count` times, or for a second. `check` may throw. */
  async topUp(feeds: Feeds, count: number, check: () => Promise<void>): Promise<void> {
    const end = performance.now() + patienceMs;
    while (this.runs < count && performance.now() < end) {
      await check();
      await this.#run(0, feeds);
      await this.#run(1, feeds);
    }
  }

  get runs(): number {
    return this.#times[0].length;
  }

  /** Median milliseconds of a run. */
  get latencies(): [number, number] {
    return [median(this.#times[0]), median(this.#times[1])];
  }

  results(): TensorComparison[] {
    return this.#closeness.results(this.names);
  }

  async release(): Promise<void> {
    for (const session of this.sessions) await session.release();
  }

  /** What is timed is not interrupted; a run for inner values is. */
  async #run(side: 0 | 1, feeds: Feeds): Promise<Feeds> {
    await yieldToEvents();
    throwIfAborted(this.signal);
    const session = this.sessions[side];
    if (this.floatsOnly) return session.runInSlices(feeds, this.signal, this.names);
    await session.prepareInSlices(feeds, this.signal);
    const start = performance.now();
    const results = await session.run(feeds, this.names);
    this.#times[side].push(performance.now() - start);
    return results as Feeds;
  }
}

interface PairEvents {
  onSample?: () => void;
  atEnd?: (pair: ModelPair, last: Feeds) => Promise<void>;
}

/**
 * Runs samples through pairs: one pair after the other where the samples can be run again, for then only two models are in
 * memory. `open` makes the pairs; `atEnd` sees each with the last sample. Returns how many samples there were.
 * Throws like `forEachSample`.
 */
export async function runPairs(
  open: readonly (() => Promise<ModelPair>)[],
  samples: Samples,
  sampling: SampleOptions,
  { onSample, atEnd }: PairEvents,
): Promise<number> {
  let count = 0;
  for (const pass of startsAnew(samples) ? open.map((each) => [each]) : [open]) {
    const pairs: ModelPair[] = [];
    try {
      for (const each of pass) pairs.push(await each());
      let last: Feeds | undefined;
      count = await forEachSample(samples, sampling, async (feeds) => {
        for (const pair of pairs) await pair.add(feeds);
        last = feeds;
        onSample?.();
      });
      if (last && atEnd) for (const pair of pairs) await atEnd(pair, last);
    } finally {
      for (const pair of pairs) await pair.release();
    }
  }
  return count;
}
