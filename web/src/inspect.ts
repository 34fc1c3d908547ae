import { checkSignal } from './errors.js';
import { type ExternalData, openModel } from './model.js';
import type { Watch } from './progress.js';
import { proxy } from './proxy.js';
import type { Source } from './source.js';

/** An input or output; a dimension is its symbol, or null, when it is open. */
export interface PortSummary {
  /** By which feeds and results have it. */
  name: string;
  /** Its element type. */
  type: string;
  /** Null where even the number of dimensions is open. */
  shape: (number | string | null)[] | null;
}

/** What a model holds. */
export interface ModelSummary {
  /** The program that wrote the file. */
  producer: string;
  /** Of ONNX's file format. */
  irVersion: number;
  /** Versions of operator sets by domain. */
  opsets: Record<string, number>;
  /** In the model's order. */
  inputs: PortSummary[];
  /** In the model's order. */
  outputs: PortSummary[];
  /** Nodes, in subgraphs too. */
  nodes: number;
  /** Nodes by operator; names outside of ai.onnx have their domain. */
  operators: Record<string, number>;
  /** Operators that Octet can't run. */
  unsupported: Record<string, number>;
  /** Operators of quantized arithmetic that are there already. */
  quantized: Record<string, number>;
  /** Elements of all constants. */
  parameters: number;
  /** What they take. */
  parameterBytes: number;
  /** Of the file. */
  bytes: number;
  /** Multiply-adds of one run, open dimensions taken as 1 or as given; null when they can't be told. */
  macs: number | null;
  /** Nodes, in subgraphs too; those have no `outputs` here, as a session can't return inner values of theirs. */
  nodeList: {
    /** By which `include` and `exclude` have it. */
    name: string;
    /** With its domain, if that is not ai.onnx. */
    opType: string;
    /** Names of its results. */
    outputs: string[];
  }[];
}

/** Options of `inspect`. */
export interface InspectOptions extends Watch {
  /** Sizes of open dimensions, by symbol, for counting multiply-adds. */
  freeDimensions?: Record<string, number>;
  /** The files of weights that the model has outside; in Node those beside a model that comes from a path are found. */
  externalData?: ExternalData;
}

/** Tells what a model holds, without running it. Throws `invalid-model`, `invalid-input` (what can't be read). */
export async function inspect(source: Source, options: InspectOptions = {}): Promise<ModelSummary> {
  checkSignal(options.signal);
  const worker = proxy();
  if (worker) return worker.inspect(source, options);
  const { externalData, signal, onProgress } = options;
  const opening = { isShared: true, signal, onProgress };
  const { engine, handle } = await openModel({ source, externalData }, opening);
  try {
    const sizes = Object.entries(options.freeDimensions ?? {});
    return JSON.parse(engine.call(() => handle.inspect(sizes)));
  } finally {
    if (!engine.isDead) engine.get(() => handle.delete());
  }
}
