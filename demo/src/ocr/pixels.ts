/** Pictures as numbers: sampling a picture into the channel planes of a network's input. */

/** Pixels as a canvas gives them: RGBA, one byte each. */
export interface Pixels {
  width: number;
  height: number;
  data: Uint8ClampedArray | Uint8Array;
}

/** Where the middle of output pixel (i, j) lies in the picture: (x0 + i·xi + j·xj, y0 + i·yi + j·yj). */
export interface Placement {
  x0: number;
  xi: number;
  xj: number;
  y0: number;
  yi: number;
  yj: number;
}

/** How a channel is normalised: (value / 255 − mean) / std. In the order red, green, blue. */
export interface Normalisation {
  mean: readonly [number, number, number];
  std: readonly [number, number, number];
}

/** A network's input of shape [1, 3, height, width]. */
export interface NetworkInput {
  data: Float32Array;
  dims: [1, 3, number, number];
}

/** PaddleOCR's networks were trained on OpenCV's channel order: blue, green, red. */
const channelOrder = [2, 1, 0];
const maxTaps = 4;

/** The placement that stretches a whole picture over width × height pixels. */
export function stretch(image: Pixels, width: number, height: number): Placement {
  const [xi, yj] = [image.width / width, image.height / height];
  return { x0: xi / 2 - 0.5, xi, xj: 0, y0: yj / 2 - 0.5, yi: 0, yj };
}

/** Samples along one side of an output pixel: more than one when it covers several pixels of the picture. */
const tapsFor = (x: number, y: number) =>
  Math.min(maxTaps, Math.max(1, Math.round(Math.hypot(x, y))));

/**
 * Samples a picture bilinearly; an output pixel that covers several pixels is the mean of several samples. Columns from
 * `filled` on stay 0.
 */
export function samplePlanes(
  image: Pixels,
  placement: Placement,
  { mean, std }: Normalisation,
  [width, height, filled = width]: [width: number, height: number, filled?: number],
): NetworkInput {
  const { x0, xi, xj, y0, yi, yj } = placement;
  const plane = width * height;
  const data = new Float32Array(3 * plane);
  const [columns, rows] = [tapsFor(xi, yi), tapsFor(xj, yj)];
  const sum: [number, number, number] = [0, 0, 0];
  for (let j = 0; j < height; ++j)
    for (let i = 0; i < filled; ++i) {
      sum.fill(0);
      for (let t = 0; t < rows * columns; ++t) {
        const u = i + ((t % columns) + 0.5) / columns - 0.5;
        const v = j + (Math.floor(t / columns) + 0.5) / rows - 0.5;
        addSample(image, x0 + u * xi + v * xj, y0 + u * yi + v * yj, sum);
      }
      channelOrder.forEach((channel, at) => {
        const value = sum[channel] / (rows * columns * 255);
        data[at * plane + j * width + i] = (value - mean[channel]) / std[channel];
      });
    }
  return { data, dims: [1, 3, height, width] };
}

/** Adds the colour at (x, y), between four pixels; beyond the border it is the border's. */
function addSample(image: Pixels, px: number, py: number, sum: [number, number, number]): void {
  const { width, height, data } = image;
  const x = Math.min(Math.max(px, 0), width - 1);
  const y = Math.min(Math.max(py, 0), height - 1);
  const [left, top] = [Math.floor(x), Math.floor(y)];
  const [fx, fy] = [x - left, y - top];
  const right = Math.min(left + 1, width - 1);
  const bottom = Math.min(top + 1, height - 1);
  const topLeft = (top * width + left) * 4;
  const topRight = (top * width + right) * 4;
  const bottomLeft = (bottom * width + left) * 4;
  const bottomRight = (bottom * width + right) * 4;
  for (let c = 0; c < 3; ++c) {
    const above = data[topLeft + c] * (1 - fx) + data[topRight + c] * fx;
    const below = data[bottomLeft + c] * (1 - fx) + data[bottomRight + c] * fx;
    sum[c] += above * (1 - fy) + below * fy;
  }
}
