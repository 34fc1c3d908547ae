/** Pictures at other sizes. */
import type { Picture } from './cli.images.js';

/** How a picture comes into another shape: as it comes, the middle of it, or all of it with zeros around it. */
export const fits = ['stretch', 'cover', 'contain'] as const;
export type Fit = (typeof fits)[number];

/** Weights of the pixels that one pixel of the result is made of. */
interface Share {
  first: number;
  weights: number[];
}

/**
 * Linear interpolation of a row that is scaled by `scale` from `start` on; where it shrinks, over all pixels that a new one covers,
 * so that nothing is skipped.
 */
function sharesOf(count: number, length: number, start: number, scale: number): Share[] {
  const reach = Math.max(scale, 1);
  return Array.from({ length: count }, (_, i) => {
    const centre = start + (i + 0.5) * scale;
    const first = Math.max(0, Math.floor(centre - reach));
    const last = Math.min(length, Math.ceil(centre + reach));
    const heights = Array.from({ length: Math.max(last - first, 0) }, (_, k) =>
      Math.max(0, 1 - Math.abs(first + k + 0.5 - centre) / reach),
    );
    const sum = heights.reduce((total, height) => total + height, 0);
    return { first, weights: heights.map((height) => height / sum) };
  });
}

/** Which part of the picture is taken, and where in the result it goes. */
function placesOf(from: number, to: number, scale: number) {
  const wanted = Math.min(to, Math.max(1, Math.round(from / scale)));
  return { count: wanted, at: (to - wanted) >> 1, start: (from - wanted * scale) / 2 };
}

/** Red, green and blue of every pixel from 0 to 255, at the size wanted; what a picture does not cover is 0. */
export function resized(
  picture: Picture,
  [width, height]: [number, number],
  fit: Fit,
): Float32Array {
  const scales = [picture.width / width, picture.height / height];
  const common = fit === 'cover' ? Math.min(...scales) : Math.max(...scales);
  const [scaleX, scaleY] = fit === 'stretch' ? scales : [common, common];
  const across = placesOf(picture.width, width, scaleX);
  const down = placesOf(picture.height, height, scaleY);
  const columns = sharesOf(across.count, picture.width, across.start, scaleX);
  const rows = sharesOf(down.count, picture.height, down.start, scaleY);

  const narrow = new Float32Array(picture.height * across.count * 3);
  for (let y = 0, to = 0; y < picture.height; ++y)
    for (const { first, weights } of columns)
      for (let channel = 0; channel < 3; ++channel, ++to)
        weights.forEach((weight, k) => {
          narrow[to] += weight * picture.data[(y * picture.width + first + k) * 4 + channel];
        });
  const result = new Float32Array(width * height * 3);
  const length = across.count * 3;
  rows.forEach(({ first, weights }, y) => {
    const to = ((down.at + y) * width + across.at) * 3;
    weights.forEach((weight, k) => {
      for (let i = 0; i < length; ++i) result[to + i] += weight * narrow[(first + k) * length + i];
    });
  });
  return result;
}
