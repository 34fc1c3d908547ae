import type { Pixels } from './ocr/image.ts';

const side = 28;
/** MNIST's digits fit a square of 20 pixels, centred by their mass in 28 × 28. */
const digitSide = 20;

/** Light ink on dark ground → 28 × 28 numbers of 0 to 1 as in MNIST; nothing for an empty picture. */
export function digitInput({ width, height, data }: Pixels): Float32Array | undefined {
  const ink = (x: number, y: number) => data[(y * width + x) * 4] / 255;
  let [left, right, top, bottom] = [width, -1, height, -1];
  for (let y = 0; y < height; ++y)
    for (let x = 0; x < width; ++x) {
      if (ink(x, y) < 0.1) continue;
      [left, right] = [Math.min(left, x), Math.max(right, x)];
      [top, bottom] = [Math.min(top, y), Math.max(bottom, y)];
    }
  if (right < 0) return undefined;
  const scale = Math.max(right - left + 1, bottom - top + 1) / digitSide;
  const centre = massCentre(ink, left, right, top, bottom);
  const out = new Float32Array(side * side);
  for (let j = 0; j < side; ++j)
    for (let i = 0; i < side; ++i) {
      const x = centre[0] + (i - (side - 1) / 2) * scale;
      const y = centre[1] + (j - (side - 1) / 2) * scale;
      out[j * side + i] = meanAround(ink, x, y, scale / 2, width, height);
    }
  return out;
}

type Ink = (x: number, y: number) => number;

function massCentre(
  ink: Ink,
  left: number,
  right: number,
  top: number,
  bottom: number,
): [number, number] {
  let [mass, sumX, sumY] = [0, 0, 0];
  for (let y = top; y <= bottom; ++y)
    for (let x = left; x <= right; ++x) {
      const value = ink(x, y);
      mass += value;
      sumX += value * x;
      sumY += value * y;
    }
  return [sumX / mass, sumY / mass];
}

function meanAround(
  ink: Ink,
  x: number,
  y: number,
  reach: number,
  width: number,
  height: number,
): number {
  let sum = 0;
  let count = 0;
  for (let py = Math.round(y - reach); py <= Math.round(y + reach); ++py)
    for (let px = Math.round(x - reach); px <= Math.round(x + reach); ++px) {
      count += 1;
      if (px >= 0 && py >= 0 && px < width && py < height) sum += ink(px, py);
    }
  return sum / count;
}
