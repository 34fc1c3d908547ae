import { OctetError, rejectUnknownKeys, throwIfAborted } from './errors.js';
import { type ModelSummary, inspect } from './inspect.js';
import { InferenceSession, createWithOutputs } from './session.js';
import { type Source, readSource } from './source.js';
import type { Tensor } from './tensor.js';

/** Tensors by input name. */
export type Feeds = Record<string, Tensor>;

/** How far a tensor of the candidate is from the reference, over all samples. */
export interface TensorComparison {
  name: string;
  /** 10·log10(Σ reference² / Σ difference²); Infinity when equal. */
  sqnrDb: number;
  cosine: number;
  maxError: number;
  /** Share of rows (last axis) whose largest element is the same. */
  top1Agreement: number;
}

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

/** Sums over elements, from which the measures follow. */
class Accumulator {
  #signal = 0;
  #candidate = 0;
  #noise = 0;
  #product = 0;
  #maxError = 0;
  #rows = 0;
  #agreeing = 0;

  add(
    reference: ArrayLike<number | bigint>,
    candidate: ArrayLike<number | bigint>,
    width: number,
  ): void {
    for (let start = 0; start < reference.length; start += width) {
      let top = start;
      let candidateTop = start;
      for (let i = start; i < start + width; ++i) {
        const r = Number(reference[i]);
        const c = Number(candidate[i]);
        this.#signal += r * r;
        this.#candidate += c * c;
        this.#product += r * c;
        this.#noise += (r - c) ** 2;
        this.#maxError = Math.max(this.#maxError, Math.abs(r - c));
        if (reference[i] > reference[top]) top = i;
        if (candidate[i] > candidate[candidateTop]) candidateTop = i;
      }
      this.#rows += 1;
      this.#agreeing += top === candidateTop ? 1 : 0;
    }
  }

  result(name: string): TensorComparison {
    const norm = Math.sqrt(this.#signal * this.#candidate);
    return {
      name,
      sqnrDb: this.#noise === 0 ? Infinity : 10 * Math.log10(this.#signal / this.#noise),
      cosine: norm === 0 ? (this.#noise === 0 ? 1 : 0) : this.#product / norm,
      maxError: this.#maxError,
      top1Agreement: this.#rows === 0 ? 1 : this.#agreeing / this.#rows,
    };
  }
}

function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? NaN;
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
    const sums = new Map<string, Accumulator>();
    const times: [number[], number[]] = [[], []];
    let count = 0;
    for await (const feeds of samples) {
      throwIfAborted(options.signal);
      const results = [
        await timedRun(first, feeds, times[0]),
        await timedRun(second, feeds, times[1]),
      ];
      addResults(sums, first.outputNames, results);
      if (tapped)
        addResults(sums, layers, [
          (await tapped[0].run(feeds, layers)) as Feeds,
          (await tapped[1].run(feeds, layers)) as Feeds,
        ]);
      count += 1;
      options.onProgress?.({ phase: 'samples', done: count, total: count });
    }
    if (count === 0) throw new OctetError('invalid-input', 'compare: there are no samples');
    const measured = (names: readonly string[]) =>
      names.filter((name) => sums.has(name)).map((name) => sums.get(name)!.result(name));
    return {
      samples: count,
      outputs: measured(first.outputNames),
      layers: measured(layers),
      reference: { bytes: sides[0].byteLength, latencyMs: median(times[0]) },
      candidate: { bytes: sides[1].byteLength, latencyMs: median(times[1]) },
    };
  } finally {
    for (const session of sessions) await session.release();
  }
}

function addResults(
  sums: Map<string, Accumulator>,
  names: readonly string[],
  results: Feeds[],
): void {
  for (const name of names) {
    const [r, c] = results.map((result) => result[name]);
    if (!r || !c)
      throw new OctetError(
        'invalid-input',
        `compare: only one of the models has an output '${name}'`,
      );
    if (r.type === 'string') continue;
    if (r.dims.join() !== c.dims.join())
      throw new OctetError('invalid-input', `compare: '${name}' is [${r.dims}] and [${c.dims}]`);
    if (r.size === 0) continue;
    if (!sums.has(name)) sums.set(name, new Accumulator());
    const width = r.dims.length ? r.dims[r.dims.length - 1] : 1;
    sums
      .get(name)!
      .add(r.data as ArrayLike<number | bigint>, c.data as ArrayLike<number | bigint>, width);
  }
}
