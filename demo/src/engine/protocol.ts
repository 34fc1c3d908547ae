/** What the page and its workers say to each other. */
import type { Comparison, ModelSummary, QuantizationReport, QuantizeOptions, env } from 'octet-web';

export type TensorData =
  | Float32Array
  | Float64Array
  | BigInt64Array
  | Int32Array
  | Uint8Array
  | Int8Array;

/** A tensor without its methods, which can't be sent. */
export interface PlainTensor {
  type: string;
  data: TensorData;
  dims: readonly number[];
}
export type PlainFeeds = Record<string, PlainTensor>;

export interface Opened {
  session: number;
  inputs: string[];
  outputs: string[];
}

export interface Ran {
  outputs: PlainFeeds;
  /** Milliseconds of every run. */
  times: number[];
}

/** Calls that a worker answers. */
export interface Calls {
  about(): typeof env.octet;
  open(model: Uint8Array): Opened;
  run(session: number, feeds: PlainFeeds, repeats: number): Ran;
  inspect(model: Uint8Array, freeDimensions: Record<string, number>): ModelSummary;
  quantize(
    model: Uint8Array,
    weights: QuantizeOptions['weights'],
  ): { model: Uint8Array; report: QuantizationReport };
  compare(reference: Uint8Array, candidate: Uint8Array, samples: PlainFeeds[]): Comparison;
}

export interface Progress {
  done: number;
  total: number;
}

export type Call = {
  [Name in keyof Calls]: { id: number; name: Name; arguments: Parameters<Calls[Name]> };
}[keyof Calls];

export type ToWorker = Call | { abort: number };

export type FromWorker =
  | { id: number; value: unknown }
  | { id: number; error: { code: string; message: string } }
  | { id: number; progress: Progress };
