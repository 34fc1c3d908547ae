import { Closeness, type TensorComparison } from './closeness.js';
import { OctetError, rejectUnknownKeys, throwIfAborted } from './errors.js';
import { type ModelSummary, inspect } from './inspect.js';
import { median } from './median.js';
import { InferenceSession, createWithOutputs } from './session.js';
import { type Source, readSource } from './source.js';
import type { Tensor } from './tensor.js';

/** Tensors by input name. */
export type Feeds = Record<string, Tensor>;

export interface ModelSide {
  bytes: number;
  /** Median of the runs. */
  latencyMs: number;
}

export interface Comparison {
  samples: number;
  outputs: TensorComparison[];
  /** Inner values that both models have under one name, in the reference's order. */
  layers: TensorComparison[];
  reference: ModelSide;
  candidate: ModelSide;
}

export interface CompareOptions {
  /** Compare inner values too; default true. */
  layers?: boolean;
  signal?: AbortSignal;
  onProgress?: (progress: { phase: string; done: number; total: number }) => void;
}

async function timedRun(session: InferenceSession, feeds: Feeds, times: number[]) {
  const start = performance.now();
  const results = await session.run(feeds);
  times.push(performance.now() - start);
  return results as Record<string, Tensor>;
}

function commonValues(reference: ModelSummary, candidate: ModelSummary): string[] {
  const there = new Set(candidate.nodeList.flatMap((node) => node.outputs));
  const outputs = new Set(reference.outputs.map((port) => port.name));
  return reference.nodeList
    .filter((node) => node.opType !== 'Constant')
    .flatMap((node) => node.outputs)
    .filter((name) => name && there.has(name) && !outputs.has(name));
}

/**
 * Runs two models on the same samples and measures how far the candidate's values are from the reference's, at the outputs
 * and at inner values of the same name; and what each costs in bytes and time.
 */
export async function compare(
  reference: Source,
  candidate: Source,
  samples: Iterable<Feeds> | AsyncIterable<Feeds>,
  options: CompareOptions = {},
): Promise<Comparison> {
  rejectUnknownKeys(options, ['layers', 'signal', 'onProgress'], 'compare');
  const sides = await Promise.all([
    readSource(reference, 'the reference'),
    readSource(candidate, 'the candidate'),
  ]);
  const sessions: InferenceSession[] = [];
  const open = async (bytes: Uint8Array, extra: string[]) => {
    const session = await createWithOutputs(bytes, {}, extra);
    sessions.push(session);
    return session;
  };
  try {
    const [first, second] = [await open(sides[0], []), await open(sides[1], [])];
    const layers =
      options.layers === false
        ? []
        : commonValues(await inspect(sides[0]), await inspect(sides[1]));
    const tapped = layers.length
      ? [await open(sides[0], layers), await open(sides[1], layers)]
      : undefined;
    const closeness = new Closeness();
    const times: [number[], number[]] = [[], []];
    let count = 0;
    for await (const feeds of samples) {
      throwIfAborted(options.signal);
      closeness.add(
        first.outputNames,
        await timedRun(first, feeds, times[0]),
        await timedRun(second, feeds, times[1]),
      );
      if (tapped)
        closeness.add(
          layers,
          (await tapped[0].run(feeds, layers)) as Feeds,
          (await tapped[1].run(feeds, layers)) as Feeds,
        );
      count += 1;
      options.onProgress?.({ phase: 'samples', done: count, total: count });
    }
    if (count === 0) throw new OctetError('invalid-input', 'compare: there are no samples');
    return {
      samples: count,
      outputs: closeness.results(first.outputNames),
      layers: closeness.results(layers),
      reference: { bytes: sides[0].byteLength, latencyMs: median(times[0]) },
      candidate: { bytes: sides[1].byteLength, latencyMs: median(times[1]) },
    };
  } finally {
    for (const session of sessions) await session.release();
  }
}
