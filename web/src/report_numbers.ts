/** Numbers as a report's reader wants them. */

export const precise = (value: number | null): string =>
  value === null ? '–' : String(Number(value.toPrecision(3)));

export const percent = (share: number): string => {
  const value = 100 * share;
  return value === 0 ? '0 %' : value < 0.01 ? '< 0.01 %' : `${value.toFixed(value < 1 ? 2 : 1)} %`;
};

export const bytes = (count: number): string => {
  if (count < 1e3) return `${count} B`;
  return count < 1e6 ? `${(count / 1e3).toFixed(1)} kB` : `${(count / 1e6).toFixed(1)} MB`;
};

export const milliseconds = (time: number): string =>
  `${time.toFixed(time < 10 ? 2 : time < 100 ? 1 : 0)} ms`;

/** An SQNR; null and infinity are those of a value that lost nothing. */
export const decibels = (value: number | null): string =>
  value === null || value === Infinity ? 'exact' : value.toFixed(1);

/** How `after` compares with `before`. */
export function change(before: number, after: number, less: string, more: string): string {
  const ratio = before / after;
  if (!(ratio > 0 && ratio < Infinity)) return 'not measured';
  if (ratio > 0.95 && ratio < 1.05) return 'about the same';
  return ratio > 1 ? `${ratio.toFixed(1)}× ${less}` : `${(1 / ratio).toFixed(1)}× ${more}`;
}
