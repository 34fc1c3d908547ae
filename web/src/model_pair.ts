import { Closeness, type TensorComparison } from './closeness.js';
import type { Feeds } from './compare.js';
import { EngineRunner } from './engine_runner.js';
import { throwIfAborted } from './errors.js';
import { type Model, type OpenedModel, openModel } from './model.js';
import { yieldToEvents } from './pause.js';
import { InferenceSession } from './session.js';

/** Two models that run the same samples as one, and how far apart their values are. */
export class ModelPair {
  readonly #closeness = new Closeness();

  private constructor(
    private readonly session: InferenceSession,
    private readonly outputNames: readonly string[],
    private readonly signal: AbortSignal | undefined,
  ) {}

  /**
   * Compares the outputs, and with `layers` the inner values of floats that both models have under one name. Bytes are read
   * where they are.
   */
  static async open(
    reference: Model,
    candidate: Model,
    { layers, signal }: { layers: boolean; signal?: AbortSignal },
  ): Promise<ModelPair> {
    const opened: OpenedModel[] = [];
    try {
      for (const model of [reference, candidate]) {
        opened.push(await openModel(model, { signal, isShared: true }));
        await yieldToEvents();
        throwIfAborted(signal);
      }
      const [{ engine, handle: first }, { handle: second }] = opened;
      const outputNames = engine.call(() => first.outputNames());
      const handle = engine.call((module) => module.createComparison(first, second, layers));
      return new ModelPair(
        InferenceSession.wrap(new EngineRunner(engine, handle)),
        outputNames,
        signal,
      );
    } finally {
      for (const { engine, handle } of opened)
        if (!engine.isDead) engine.get(() => handle.delete());
    }
  }

  /** Throws `invalid-input` where a value has one shape here and another there. */
  async add(feeds: Feeds): Promise<void> {
    const sums = await this.session.runInSlices(feeds, this.signal);
    for (const [name, { data }] of Object.entries(sums))
      this.#closeness.addSums(name, data as Float64Array);
  }

  outputs(): TensorComparison[] {
    return this.#closeness.results(this.outputNames);
  }

  /** In the reference's order. */
  layers(): TensorComparison[] {
    return this.#closeness.results(this.session.outputNames.slice(this.outputNames.length));
  }

  async release(): Promise<void> {
    await this.session.release();
  }
}
