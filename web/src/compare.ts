import type { TensorComparison } from './closeness.js';
import { checkSignal, rejectUnknownKeys } from './errors.js';
import { latenciesOf } from './latency.js';
import { type ExternalData, readModel } from './model.js';
import { ModelPair } from './model_pair.js';
import type { Watch } from './progress.js';
import { proxy } from './proxy.js';
import { type Samples, checkSamples, forEachSample } from './samples.js';
import type { Source } from './source.js';
import type { Tensor } from './tensor.js';

/** Tensors by input name. */
export type Feeds = Record<string, Tensor>;

/** What one of two compared models costs. */
export interface ModelSide {
  /** Of the file. */
  bytes: number;
  /** Median of `runs` or more runs with the last sample. */
  latencyMs: number;
  /** 7 at most: fewer where they take long. */
  runs: number;
}

/** How far one model is from another. */
export interface Comparison {
  /** How many were run. */
  samples: number;
  /** One for each of the reference's outputs, in its order. */
  outputs: TensorComparison[];
  /**
   * Inner values of floats that both models have under one name, in the reference's order. What is read in rounded form alone
   * is compared in that form.
   */
  layers: TensorComparison[];
  /** What the first model costs. */
  reference: ModelSide;
  /** What the second costs. */
  candidate: ModelSide;
}

/** Options of `compare`, whose progress is in phase 'samples' once both models have been read. */
export interface CompareOptions extends Watch {
  /** Compare inner values too; default true. */
  layers?: boolean;
  /** The files of weights that the models have outside; in Node those beside a model that comes from a path are found. */
  externalData?: ExternalData;
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
  rejectUnknownKeys(options, ['layers', 'externalData', 'signal', 'onProgress'], 'compare');
  const { signal, onProgress } = options;
  checkSignal(signal);
  checkSamples(samples, 'samples');
  const worker = proxy();
  if (worker) return worker.compare(reference, candidate, samples, options);
  const [first, alone] = await Promise.all([
    readModel({ source: reference, externalData: options.externalData }, 'the reference', options),
    readModel({ source: candidate }, 'the candidate', options),
  ]);
  const second = { ...alone, externalData: first.externalData };
  const pair = await ModelPair.open(first, second, { layers: options.layers !== false, signal });
  let last: Feeds = {};
  let count: number;
  let values: Pick<Comparison, 'outputs' | 'layers'>;
  try {
    count = await forEachSample(samples, { what: 'samples', signal }, async (feeds, index) => {
      await pair.add(feeds);
      last = feeds;
      const done = index + 1;
      onProgress?.({ phase: 'samples', done, total: samples.length ?? done });
    });
    values = { outputs: pair.outputs(), layers: pair.layers() };
  } finally {
    await pair.release();
  }
  const { medians, runs } = await latenciesOf([first, second], last, signal);
  return {
    samples: count,
    ...values,
    reference: { bytes: first.source.byteLength, latencyMs: medians[0], runs },
    candidate: { bytes: second.source.byteLength, latencyMs: medians[1], runs },
  };
}
