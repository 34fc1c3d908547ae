/** Numbers as people read them. */

export function bytes(count: number): string {
  if (count < 1000) return `${count} B`;
  if (count < 1e6) return `${(count / 1e3).toFixed(count < 1e5 ? 1 : 0)} kB`;
  return `${(count / 1e6).toFixed(count < 1e8 ? 1 : 0)} MB`;
}

export function milliseconds(time: number): string {
  const digits = time < 10 ? 2 : time < 100 ? 1 : 0;
  return `${time.toFixed(digits)} ms`;
}

/** A large count in short: 12.3 M. */
export function count(value: number): string {
  return new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 }).format(
    value,
  );
}

export function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

export function decibels(value: number | null): string {
  return value === null || value === Infinity ? 'exact' : `${value.toFixed(1)} dB`;
}

/** How `after` compares to `before`, e.g. '3.6× smaller'. */
export function change(before: number, after: number, less: string, more: string): string {
  const ratio = before / after;
  if (!Number.isFinite(ratio) || ratio <= 0) return 'not measured';
  if (ratio > 0.95 && ratio < 1.05) return 'about the same';
  return ratio > 1 ? `${ratio.toFixed(1)}× ${less}` : `${(1 / ratio).toFixed(1)}× ${more}`;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? NaN;
}
