/**
 * From a drawing to the input of a network trained on MNIST. As LeCun et al. prepared that set: the digit is scaled to fit
 * a square of 20 pixels and placed so that its centre of mass is the middle of 28 × 28.
 */
import type { Pixels } from '../ocr/pixels.ts';

export const mnistSide = 28;
const digitSide = 20;
const faintest = 0.1;

/** How much ink is at a pixel, 0 to 1. */
type Ink = (x: number, y: number) => number;

interface Extent {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

/** Light ink on dark ground → 28 × 28 numbers of 0 to 1; nothing for an empty drawing. */
export function mnistInput({ width, height, data }: Pixels): Float32Array | undefined {
  const ink: Ink = (x, y) =>
    x >= 0 && y >= 0 && x < width && y < height ? data[(y * width + x) * 4] / 255 : 0;
  const extent = inkExtent(ink, width, height);
  if (!extent) return undefined;
  const { left, right, top, bottom } = extent;
  const scale = Math.max(right - left + 1, bottom - top + 1) / digitSide;
  const [cx, cy] = massCentre(ink, extent);
  const out = new Float32Array(mnistSide * mnistSide);
  const middle = (mnistSide - 1) / 2;
  for (let j = 0; j < mnistSide; ++j)
    for (let i = 0; i < mnistSide; ++i)
      out[j * mnistSide + i] = meanAround(
        ink,
        cx + (i - middle) * scale,
        cy + (j - middle) * scale,
        scale,
      );
  return out;
}

function inkExtent(ink: Ink, width: number, height: number): Extent | undefined {
  const extent = { left: width, right: -1, top: height, bottom: -1 };
  for (let y = 0; y < height; ++y)
    for (let x = 0; x < width; ++x) {
      if (ink(x, y) < faintest) continue;
      extent.left = Math.min(extent.left, x);
      extent.right = Math.max(extent.right, x);
      extent.top = Math.min(extent.top, y);
      extent.bottom = Math.max(extent.bottom, y);
    }
  return extent.right < 0 ? undefined : extent;
}

function massCentre(ink: Ink, { left, right, top, bottom }: Extent): [number, number] {
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

/** Mean ink of the square of `side` pixels around (x, y). */
function meanAround(ink: Ink, x: number, y: number, side: number): number {
  const [left, top] = [Math.round(x - side / 2 + 0.5), Math.round(y - side / 2 + 0.5)];
  const count = Math.max(1, Math.round(side));
  let sum = 0;
  for (let py = top; py < top + count; ++py)
    for (let px = left; px < left + count; ++px) sum += ink(px, py);
  return sum / (count * count);
}
