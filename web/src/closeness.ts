import type { Tensor } from './tensor.js';
import { OctetError } from './errors.js';

/** How far a tensor of the candidate is from the reference, over all samples. */
export interface TensorComparison {
  /** Of the tensor, which both models have. */
  name: string;
  /** 10·log10(Σ reference² / Σ difference²); Infinity when equal. */
  sqnrDb: number;
  /** Of the angle between the values, −1 to 1. */
  cosine: number;
  /** The largest difference of two values. */
  maxError: number;
  /** Share of rows (last axis) whose largest element is the same. */
  top1Agreement: number;
}

/** Sums over elements, from which the measures follow; the engine makes the same ones (src/ops/compare.cpp). */
class Accumulator {
  #signal = 0;
  #candidate = 0;
  #noise = 0;
  #product = 0;
  #maxError = 0;
  #rows = 0;
  #agreeing = 0;

  /** The engine's sums. */
  addSums([signal, candidate, product, noise, maxError, rows, agreeing]: Float64Array): void {
    this.#signal += signal;
    this.#candidate += candidate;
    this.#product += product;
    this.#noise += noise;
    this.#maxError = Math.max(this.#maxError, maxError);
    this.#rows += rows;
    this.#agreeing += agreeing;
  }

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
      top1Agreement: this.#agreeing / this.#rows,
    };
  }
}

/** Looked at between two chances to stop. */
const pieceElements = 1 << 18;

/** Sums up what two models gave for the same samples, by the name of the value. */
export class Closeness {
  readonly #sums = new Map<string, Accumulator>();

  /**
   * Awaits `pace` between pieces. Throws `invalid-input` where only one of them has a value, or one of another shape.
   */
  async add(
    names: readonly string[],
    reference: Record<string, Tensor>,
    candidate: Record<string, Tensor>,
    pace: () => Promise<void>,
  ): Promise<void> {
    for (const name of names) await this.#addValue(name, reference[name], candidate[name], pace);
  }

  /** Adds what the engine summed up of a value; it may have found nothing to compare. */
  addSums(name: string, sums: Float64Array): void {
    const rows = sums[5];
    if (rows > 0) this.#sumOf(name).addSums(sums);
  }

  /** Of the values among `names` that had elements, in this order. */
  results(names: readonly string[]): TensorComparison[] {
    return names.flatMap((name) => this.#sums.get(name)?.result(name) ?? []);
  }

  async #addValue(
    name: string,
    reference: Tensor | undefined,
    candidate: Tensor | undefined,
    pace: () => Promise<void>,
  ): Promise<void> {
    if (!reference || !candidate)
      throw new OctetError('invalid-input', `only one of the models has an output '${name}'`);
    if (reference.type === 'string') return;
    if (reference.dims.join() !== candidate.dims.join())
      throw new OctetError(
        'invalid-input',
        `'${name}' is [${reference.dims}] and [${candidate.dims}]`,
      );
    if (reference.size === 0) return;
    const sum = this.#sumOf(name);
    const width = reference.dims.at(-1) ?? 1;
    const piece = width * Math.ceil(pieceElements / width);
    for (let start = 0; start < reference.size; start += piece) {
      await pace();
      sum.add(
        (reference.data as Float32Array).subarray(start, start + piece),
        (candidate.data as Float32Array).subarray(start, start + piece),
        width,
      );
    }
  }

  #sumOf(name: string): Accumulator {
    let sum = this.#sums.get(name);
    if (!sum) this.#sums.set(name, (sum = new Accumulator()));
    return sum;
  }
}
