import { OctetError } from './errors.js';
import { latenciesOf } from './latency.js';
import type { Feeds } from './compare.js';
import type { Model } from './model.js';
import { ModelPair } from './model_pair.js';
import type { QuantizeOptions } from './quantize_options.js';
import { type Measurement, measuredTensor } from './report.js';
import { type SampleOptions, forEachSample, startsAnew } from './samples.js';

const mostSamples = 16;
/** What the samples after the first may take: so much, or this part of what the quantization took. */
const leastBudgetMs = 300;
const budgetShare = 0.02;

/** Why nothing can be measured; undefined when it can. */
export function whyUnmeasured({ calibration, measure }: QuantizeOptions): string | undefined {
  if (measure === false) return 'the options say so';
  if (calibration === undefined) return 'no samples were given';
  if (!startsAnew(calibration))
    return 'the samples come only once; an array, or an object whose iterator starts anew, can be run again';
  return undefined;
}

/** The models of a measurement: see `measure`. */
export interface MeasuredModels {
  before: Model;
  sameUnits: Model;
  after: Model;
}

/** Runs samples through pairs of models. */
class Measuring {
  #done = 0;
  #last: Feeds = {};

  constructor(
    private readonly options: QuantizeOptions,
    private readonly passes: number,
    private readonly budgetMs: number,
  ) {}

  /** As many samples as the budget has room for, or `limit`; what `read` finds then, and how many there were. */
  async run<T>(
    models: readonly [Model, Model],
    layers: boolean,
    limit: number | undefined,
    read: (pair: ModelPair) => T,
  ): Promise<{ found: T; count: number }> {
    const { calibration, signal } = this.options;
    const pair = await ModelPair.open(...models, { layers, signal });
    try {
      let before = performance.now();
      let end = Infinity;
      let isEnough = false;
      const sampling: SampleOptions = { what: 'calibration', signal, isEnough: () => isEnough };
      const count = await forEachSample(calibration!, sampling, async (feeds, index) => {
        await pair.add(feeds);
        const now = performance.now();
        if (index === 0) end = now + this.budgetMs / this.passes;
        const isLate = now + (now - before) > end; // the next one, if it takes as long
        before = now;
        isEnough = index + 1 >= (limit ?? mostSamples) || (limit === undefined && isLate);
        this.#last = feeds;
        this.#tell(limit ?? (isEnough ? index + 1 : this.#known));
      });
      return { found: read(pair), count };
    } finally {
      await pair.release();
    }
  }

  /** The last sample that was run. */
  get last(): Feeds {
    return this.#last;
  }

  get #known(): number {
    return Math.min(this.options.calibration!.length ?? 0, mostSamples);
  }

  #tell(samples: number): void {
    const done = ++this.#done;
    const total = Math.max(samples * this.passes, done);
    this.options.onProgress?.({ phase: 'measuring', done, total });
  }
}

async function measureModels(
  { before, sameUnits, after }: MeasuredModels,
  options: QuantizeOptions,
  budgetMs: number,
): Promise<Measurement> {
  const isRescaled = sameUnits !== before;
  const measuring = new Measuring(options, isRescaled ? 2 : 1, budgetMs);
  const { found, count } = await measuring.run([before, after], !isRescaled, undefined, (pair) => ({
    outputs: pair.outputs(),
    layers: pair.layers(),
  }));
  if (isRescaled) {
    const inner = await measuring.run([sameUnits, after], true, count, (pair) => pair.layers());
    found.layers = inner.found;
  }
  const { medians, runs } = await latenciesOf([before, after], measuring.last, options.signal);
  return {
    samples: count,
    outputs: found.outputs.map(measuredTensor),
    layers: found.layers.map(measuredTensor),
    latency: { beforeMs: medians[0], afterMs: medians[1], runs },
  };
}

/**
 * Runs the float model and the quantized one on samples. `sameUnits` is the float model whose inner values are to be met:
 * not `before` where scales moved between its layers. A model that can't be run here is no reason to fail: then the result
 * tells why there is none. `quantizedMs` is how long the quantization took. Throws `aborted`.
 */
export async function measure(
  models: MeasuredModels,
  options: QuantizeOptions,
  quantizedMs: number,
): Promise<Measurement | { unmeasured: string }> {
  try {
    const budgetMs = Math.max(leastBudgetMs, budgetShare * quantizedMs);
    return await measureModels(models, options, budgetMs);
  } catch (error) {
    if (!(error instanceof OctetError) || error.code === 'aborted') throw error;
    return { unmeasured: error.message };
  }
}
