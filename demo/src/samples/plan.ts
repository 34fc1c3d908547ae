/** What the samples of a model are made of: chosen on the page, made in the worker, one at a time. */
import type { ModelSummary, PortSummary } from 'octet-web';

/** What an input is filled with. Files may hold one sample each or several. */
export type Filling =
  | { kind: 'random' }
  | { kind: 'value'; value: number }
  | { kind: 'picture'; picture: ImageBitmap }
  | { kind: 'files'; files: File[] };

export interface PlannedInput {
  name: string;
  type: string;
  dims: number[];
  filling: Filling;
}

export interface SamplePlan {
  inputs: PlannedInput[];
  /** How many, where random values make them differ and no files tell. */
  count: number;
}

export interface OpenDimension {
  /** The symbol, or a name made of input and axis. */
  key: string;
  size: number;
}

const keyOf = (port: PortSummary, axis: number) => port.shape?.[axis] ?? `${port.name}[${axis}]`;

/** A size to begin with: one sample, a picture of 224 × 224, or 32 of anything else. */
function likelySize(rank: number, axis: number): number {
  if (axis === 0) return 1;
  return rank === 4 && axis >= 2 ? 224 : 32;
}

export function openDimensions(summary: ModelSummary): OpenDimension[] {
  const found = new Map<string, number>();
  for (const port of summary.inputs)
    port.shape?.forEach((dim, axis, { length }) => {
      const key = String(keyOf(port, axis));
      if (typeof dim !== 'number' && !found.has(key)) found.set(key, likelySize(length, axis));
    });
  return [...found].map(([key, size]) => ({ key, size }));
}

/** The inputs of a model at these sizes of its open dimensions; what has no filling is random. */
export const planInputs = (
  summary: ModelSummary,
  sizes: ReadonlyMap<string, number>,
  fillings: ReadonlyMap<string, Filling>,
): PlannedInput[] =>
  summary.inputs.map((port) => ({
    name: port.name,
    type: port.type,
    dims: (port.shape ?? []).map((dim, axis) =>
      typeof dim === 'number' ? dim : (sizes.get(String(keyOf(port, axis))) ?? 1),
    ),
    filling: fillings.get(port.name) ?? { kind: 'random' },
  }));
