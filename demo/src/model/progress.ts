/** How far a quantization is, in words. */
import type { Progress } from '../engine/protocol.ts';

const phases: Record<string, string> = {
  read: 'Reading the file …',
  calibration: 'Running the samples …',
  weights: 'Quantizing …',
  sensitivity: 'Measuring how sensitive each node is …',
  search: 'Trying out models …',
  measuring: 'Comparing with the original …',
};

export const phaseText = ({ phase }: Progress): string => phases[phase] ?? `${phase} …`;

/** What part of the phase is done, 0 to 1; undefined where that is not known: a search has no end that it knows. */
export const phaseShare = ({ phase, done, total }: Progress): number | undefined =>
  phase === 'search' || total === 0 ? undefined : done / total;
