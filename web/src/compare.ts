import type { TensorComparison } from './closeness.js';
import { checkSignal, rejectUnknownKeys } from './errors.js';
import { type Model, ModelPair, commonLayers, runPairs } from './model_pair.js';
import { orAborted } from './pause.js';
import { type Samples, checkSamples } from './samples.js';
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
  /** Inner values of floats that both models have under one name, in the reference's order. */
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

/**
 * Runs two models on the same samples and measures how far the candidate's values are from the reference's, at the outputs
 * and at inner values of the same name; and what each costs in bytes and time. Samples run one after the other and are not
 * kept. Throws `invalid-input` naming the sample, `invalid-option`, `invalid-model`, `aborted`.
 */
export async function compare(
  reference: Source,
  candidate: Source,
  samples: Samples,
  options: CompareOptions = {},
): Promise<Comparison> {
  rejectUnknownKeys(options, ['layers', 'signal', 'onProgress'], 'compare');
  const { signal, onProgress } = options;
  checkSignal(signal);
  checkSamples(samples, 'samples');
  const sources = Promise.all([
    readSource(reference, 'the reference'),
    readSource(candidate, 'the candidate'),
  ]);
  const sides = await orAborted(sources, signal);
  const [first, second] = sides.map((source): Model => ({ source }));
  const layers = options.layers === false ? [] : await commonLayers(first, second);
  const pairs: ModelPair[] = [];
  const opener = (names?: string[]) => async () => {
    const pair = await ModelPair.open(first, second, { layers: names, signal });
    pairs.push(pair);
    return pair;
  };
  let done = 0;
  const count = await runPairs(
    [opener(), ...(layers.length ? [opener(layers)] : [])],
    samples,
    { what: 'samples', signal },
    { onSample: () => onProgress?.({ phase: 'samples', done: ++done, total: done }) },
  );
  const [outputs, inner] = pairs;
  const [referenceMs, candidateMs] = outputs.latencies;
  return {
    samples: count,
    outputs: outputs.results(),
    layers: inner?.results() ?? [],
    reference: { bytes: sides[0].byteLength, latencyMs: referenceMs },
    candidate: { bytes: sides[1].byteLength, latencyMs: candidateMs },
  };
}
