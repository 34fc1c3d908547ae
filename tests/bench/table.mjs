/** Markdown tables on the console. */

export const printRow = (cells) => console.log(`| ${cells.join(' | ')} |`);

export function printHeader(titles) {
  printRow(titles);
  printRow(titles.map((_, i) => (i === 0 ? '---' : '---:')));
}

export const showMs = (ms) => (ms < 10 ? ms.toFixed(3) : ms.toFixed(1));
export const showMb = (bytes) => (bytes / 1e6).toFixed(2);
export const showRatio = (ratio) => `${ratio.toFixed(2)}×`;

export const geometricMean = (values) =>
  Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
