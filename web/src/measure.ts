import { OctetError, throwIfAborted } from './errors.js';
import { type Model, ModelPair, commonLayers, runPairs } from './model_pair.js';
import { yieldToEvents } from './pause.js';
import type { QuantizeOptions } from './quantize.js';
import { type Measurement, measuredTensor } from './report.js';
import { type SampleOptions, startsAnew } from './samples.js';

const mostSamples = 16;
/** That the median of a latency is taken from, at least. */
const timedRuns = 7;

/** Why nothing can be measured; undefined when it can. */
export function whyUnmeasured({ calibration, measure }: QuantizeOptions): string | undefined {
  if (measure === false) return 'the options say so';
  if (calibration === undefined) return 'no samples were given';
  if (!startsAnew(calibration))
    return 'the samples come only once; an array, or an object whose iterator starts anew, can be run again';
  return undefined;
}

async function measureModels(
  [before, sameUnits, after]: readonly [Model, Model, Model],
  { calibration, signal, onProgress }: QuantizeOptions,
): Promise<Measurement> {
  let done = 0;
  const known = 2 * Math.min(calibration?.length ?? 0, mostSamples);
  const pause = async () => {
    await yieldToEvents();
    throwIfAborted(signal);
  };
  const sampling: SampleOptions = { what: 'calibration', signal, limit: mostSamples };
  const layers = await commonLayers(sameUnits, after);
  const pairs: ModelPair[] = [];
  const opener = (reference: Model, names?: string[]) => async () => {
    const pair = await ModelPair.open(reference, after, { layers: names, signal });
    pairs.push(pair);
    return pair;
  };
  const count = await runPairs(
    [opener(before), ...(layers.length ? [opener(sameUnits, layers)] : [])],
    calibration!,
    sampling,
    {
      onSample: () =>
        onProgress?.({ phase: 'measuring', done: ++done, total: Math.max(known, done) }),
      atEnd: async (pair, last) => {
        if (pair === pairs[0]) await pair.topUp(last, timedRuns, pause);
      },
    },
  );
  const [outputs, inner] = pairs;
  const [beforeMs, afterMs] = outputs.latencies;
  return {
    samples: count,
    outputs: outputs.results().map(measuredTensor),
    layers: inner?.results().map(measuredTensor) ?? [],
    latency: { beforeMs, afterMs, runs: outputs.runs },
  };
}

/**
 * Runs the float model and the quantized one on samples. `sameUnits` is the float model whose inner values are to be met:
 * not `before` where scales moved between its layers. A model that can't be run here is no reason to fail: then the result
 * tells why there is none. Throws `aborted`.
 */
export async function measure(
  models: { before: Model; sameUnits: Model; after: Uint8Array },
  options: QuantizeOptions,
): Promise<Measurement | { unmeasured: string }> {
  try {
    const { before, sameUnits, after } = models;
    return await measureModels([before, sameUnits, { source: after }], options);
  } catch (error) {
    if (!(error instanceof OctetError) || error.code === 'aborted') throw error;
    return { unmeasured: error.message };
  }
}
