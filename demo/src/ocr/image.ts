/** Pixels as a canvas gives them: RGBA, one byte each. */
export interface Pixels {
  width: number;
  height: number;
  data: Uint8ClampedArray | Uint8Array;
}

/** A rectangle turned by `angle` (radians) about its centre, in pixels. */
export interface Box {
  cx: number;
  cy: number;
  width: number;
  height: number;
  angle: number;
}

/** Channel order of PaddleOCR's networks, which were trained on OpenCV's BGR images. */
const bgr = [2, 1, 0];

/** How one channel is normalised: (value / 255 − mean) / std. */
export interface Normalisation {
  mean: readonly number[];
  std: readonly number[];
}

/**
 * Samples a picture at (x, y), bilinearly, into channel planes of a `width` × `height` network input.
 * `place` says where output pixel (i, j) lies in the picture. Columns from `filled` on stay 0.
 */
export function samplePlanes(
  image: Pixels,
  width: number,
  height: number,
  filled: number,
  { mean, std }: Normalisation,
  place: (i: number, j: number) => [number, number],
): Float32Array {
  const plane = width * height;
  const out = new Float32Array(3 * plane);
  const { data } = image;
  for (let j = 0; j < height; ++j)
    for (let i = 0; i < filled; ++i) {
      const [px, py] = place(i, j);
      const x = Math.min(Math.max(px, 0), image.width - 1);
      const y = Math.min(Math.max(py, 0), image.height - 1);
      const x0 = Math.floor(x);
      const y0 = Math.floor(y);
      const x1 = Math.min(x0 + 1, image.width - 1);
      const y1 = Math.min(y0 + 1, image.height - 1);
      const fx = x - x0;
      const fy = y - y0;
      for (let c = 0; c < 3; ++c) {
        const at = (ax: number, ay: number) => data[(ay * image.width + ax) * 4 + bgr[c]];
        const top = at(x0, y0) * (1 - fx) + at(x1, y0) * fx;
        const bottom = at(x0, y1) * (1 - fx) + at(x1, y1) * fx;
        const value = top * (1 - fy) + bottom * fy;
        out[c * plane + j * width + i] = (value / 255 - mean[c]) / std[c];
      }
    }
  return out;
}
