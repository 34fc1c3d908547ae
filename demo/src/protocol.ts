/** What the page and its worker say to each other. Bytes and tensors' data move, they are not copied. */
import type { Comparison, ModelSummary, QuantizationReport, QuantizeOptions } from 'octet-web';

export interface PlainTensor {
  type: string;
  data: Float32Array | BigInt64Array | Int32Array | Uint8Array | Int8Array | Float64Array;
  dims: readonly number[];
}
export type PlainFeeds = Record<string, PlainTensor>;

export interface Port {
  name: string;
  type: string;
  shape: (number | string)[];
}

export interface Opened {
  session: number;
  inputs: Port[];
  outputs: string[];
}

export interface Timed {
  outputs: PlainFeeds;
  /** Median of the runs. */
  milliseconds: number;
}

/** Calls that the worker answers. */
export interface Calls {
  open(model: Uint8Array): Opened;
  run(session: number, feeds: PlainFeeds, repeats: number): Timed;
  close(session: number): void;
  inspect(model: Uint8Array): ModelSummary;
  quantize(
    model: Uint8Array,
    weights: QuantizeOptions['weights'],
  ): { model: Uint8Array; report: QuantizationReport };
  compare(reference: Uint8Array, candidate: Uint8Array, samples: PlainFeeds[]): Comparison;
}

export type Call = {
  [Name in keyof Calls]: { id: number; name: Name; arguments: Parameters<Calls[Name]> };
}[keyof Calls];

export type ToWorker = Call | { abort: number };

export type FromWorker =
  | { id: number; value: unknown }
  | { id: number; error: { code: string; message: string } }
  | { id: number; progress: { done: number; total: number } };
