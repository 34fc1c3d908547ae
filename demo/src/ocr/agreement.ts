/** How far two readings of one picture agree. */
import { type Box, contains } from './geometry.ts';

/** Levenshtein's distance: insertions, deletions and substitutions that turn one text into the other. */
export function editDistance(a: string, b: string): number {
  const [from, to] = [Array.from(a), Array.from(b)];
  let row = Array.from({ length: to.length + 1 }, (_, j) => j);
  for (const [i, character] of from.entries()) {
    const next = [i + 1];
    for (let j = 0; j < to.length; ++j)
      next.push(Math.min(row[j + 1] + 1, next[j] + 1, row[j] + (character === to[j] ? 0 : 1)));
    row = next;
  }
  return row[to.length];
}

/** A line of text where it was found. */
export interface PlacedLine {
  box: Box;
  text: string;
}

export interface LinePair<T extends PlacedLine> {
  first?: T;
  second?: T;
}

/** Puts together the lines that two readings found at one place; a line may stay alone. */
export function pairLines<T extends PlacedLine>(
  first: readonly T[],
  second: readonly T[],
): LinePair<T>[] {
  const left = new Set(second);
  const pairs: LinePair<T>[] = first.map((line) => {
    const partner = [...left].find(({ box }) => contains(line.box, [box.cx, box.cy]));
    if (partner) left.delete(partner);
    return { first: line, second: partner };
  });
  return [...pairs, ...[...left].map((line) => ({ second: line }))];
}

/** Share of the first reading's characters that the second has too: 1 − distance / length, not below 0. */
export function characterAgreement<T extends PlacedLine>(pairs: readonly LinePair<T>[]): number {
  let [length, distance] = [0, 0];
  for (const { first, second } of pairs) {
    length += Array.from(first?.text ?? '').length;
    distance += editDistance(first?.text ?? '', second?.text ?? '');
  }
  return length === 0 ? (distance === 0 ? 1 : 0) : Math.max(0, 1 - distance / length);
}
