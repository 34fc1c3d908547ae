import { checkSignal } from './errors.js';
import { type ExternalData, openModel } from './model.js';
import type { Watch } from './progress.js';
import { proxy } from './proxy.js';
import type { Source } from './source.js';

/** An input or output; a dimension is its symbol, or null, when it is open. */
export interface PortSummary {
  name: string;
  type: string;
  shape: (number | string | null)[] | null;
}

/** What a model holds. */
export interface ModelSummary {
  producer: string;
  irVersion: number;
  opsets: Record<string, number>;
  inputs: PortSummary[];
  outputs: PortSummary[];
  /** Nodes, in subgraphs too. */
  nodes: number;
  /** Nodes by operator; names outside of ai.onnx have their domain. */
  operators: Record<string, number>;
  /** Operators that Octet can't run. */
  unsupported: Record<string, number>;
  /** Operators of quantized arithmetic that are there already. */
  quantized: Record<string, number>;
  parameters: number;
  parameterBytes: number;
  /** Of the file. */
  bytes: number;
  /** Multiply-adds of one run, open dimensions taken as 1 or as given; null when they can't be told. */
  macs: number | null;
  /** Nodes, in subgraphs too; those have no `outputs` here, as a session can't return inner values of theirs. */
  nodeList: { name: string; opType: string; outputs: string[] }[];
}

export interface InspectOptions extends Watch {
  /** Sizes of open dimensions, by symbol, for counting multiply-adds. */
  freeDimensions?: Record<string, number>;
  externalData?: ExternalData;
}

/** Tells what a model holds, without running it. */
export async function inspect(source: Source, options: InspectOptions = {}): Promise<ModelSummary> {
  checkSignal(options.signal);
  const worker = proxy();
  if (worker) return worker.inspect(source, options);
  const { externalData, signal, onProgress } = options;
  const opening = { externalData, isShared: true, signal, onProgress };
  const { engine, handle } = await openModel(source, opening);
  try {
    const sizes = Object.entries(options.freeDimensions ?? {});
    return JSON.parse(engine.call(() => handle.inspect(sizes)));
  } finally {
    if (!engine.isDead) engine.get(() => handle.delete());
  }
}
