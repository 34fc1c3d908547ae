/** What the page and its workers say to each other. */
import type {
  ModelSummary,
  QuantizationReport,
  QuantizeOptions,
  QuantizeProgress,
  env,
} from 'octet-web';
import type { SamplePlan } from '../samples/plan.ts';

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

/** A model and the data files that it names. Blobs are sent without being copied. */
export interface ModelFiles {
  model: Blob;
  data: File[];
}

/** What of the options can be sent. */
export type PlainOptions = Omit<
  QuantizeOptions,
  'calibration' | 'externalData' | 'signal' | 'onProgress'
>;

/** A report rendered: to be put into a page with its style sheet, and as a page of its own. */
export interface Rendered {
  body: string;
  style: string;
  page: string;
}

/** Calls that a worker answers. */
export interface Calls {
  about(): typeof env.octet;
  open(model: Blob): Opened;
  run(session: number, feeds: PlainFeeds, repeats: number): Ran;
  inspect(files: ModelFiles, freeDimensions: Record<string, number>): ModelSummary;
  quantize(
    files: ModelFiles,
    options: PlainOptions,
    samples?: SamplePlan,
  ): { model: Blob; report: QuantizationReport };
  render(report: QuantizationReport): Rendered;
}

export type Progress = QuantizeProgress;

export type Call = {
  [Name in keyof Calls]: { id: number; name: Name; arguments: Parameters<Calls[Name]> };
}[keyof Calls];

export type ToWorker = Call | { abort: number };

export type FromWorker =
  | { id: number; value: unknown }
  | { id: number; error: { code: string; message: string } }
  | { id: number; progress: Progress };
