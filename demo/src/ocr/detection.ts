/**
 * Text detection around PaddleOCR's detector: picture → network input, probability map → text boxes. After Liao et al.,
 * "Real-time Scene Text Detection with Differentiable Binarization", AAAI 2020; the numbers are those of PaddleOCR's
 * configuration.
 */
import { type Box, type Point, contains, inReadingOrder, smallestBox } from './geometry.ts';
import { type NetworkInput, type Pixels, samplePlanes, stretch } from './pixels.ts';

/** ImageNet's. */
const normalisation = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } as const;
const sideMultiple = 32;
const longestSide = 960;
const pixelThreshold = 0.3;
const boxThreshold = 0.6;
const unclipRatio = 1.5;
/** Of a region in the map, and of the box grown from it. */
const smallestRegion = 3;
const smallestGrown = 5;

/** Scales a picture so that its sides are multiples of 32 and at most 960 pixels. */
export function detectionInput(image: Pixels): NetworkInput {
  const scale = Math.min(1, longestSide / Math.max(image.width, image.height));
  const round = (size: number) =>
    Math.max(1, Math.round((size * scale) / sideMultiple)) * sideMultiple;
  const [width, height] = [round(image.width), round(image.height)];
  return samplePlanes(image, stretch(image, width, height), normalisation, [width, height]);
}

/** The network's answer: how likely each pixel is text. */
export interface TextMap {
  data: ArrayLike<number>;
  width: number;
  height: number;
}

/** Text boxes in the picture's pixels, in reading order. */
export function textBoxes(map: TextMap, image: { width: number; height: number }): Box[] {
  const boxes: Box[] = [];
  for (const region of regions(map)) {
    const box = smallestBox(region);
    if (Math.min(box.width, box.height) < smallestRegion) continue;
    if (meanInside(map, box) < boxThreshold) continue;
    const grown = unclip(box);
    if (Math.min(grown.width, grown.height) < smallestGrown) continue;
    boxes.push(scaled(alongText(grown), image.width / map.width, image.height / map.height));
  }
  return inReadingOrder(boxes);
}

/** The pixels of each 8-connected region above the threshold. */
function regions({ data, width, height }: TextMap): Point[][] {
  const seen = new Uint8Array(width * height);
  const isNew = (at: number) => !seen[at] && data[at] > pixelThreshold;
  const out: Point[][] = [];
  for (let start = 0; start < seen.length; ++start) {
    if (!isNew(start)) continue;
    seen[start] = 1;
    const region: Point[] = [[start % width, Math.floor(start / width)]];
    for (let next = 0; next < region.length; ++next) {
      const [x, y] = region[next];
      for (let ny = Math.max(y - 1, 0); ny <= Math.min(y + 1, height - 1); ++ny)
        for (let nx = Math.max(x - 1, 0); nx <= Math.min(x + 1, width - 1); ++nx) {
          if (!isNew(ny * width + nx)) continue;
          seen[ny * width + nx] = 1;
          region.push([nx, ny]);
        }
    }
    out.push(region);
  }
  return out;
}

/** Mean of the map over the pixels of a box. */
function meanInside({ data, width, height }: TextMap, box: Box): number {
  const reach = Math.hypot(box.width, box.height) / 2;
  let sum = 0;
  let count = 0;
  const [top, bottom] = [Math.max(0, Math.floor(box.cy - reach)), Math.ceil(box.cy + reach)];
  const [left, right] = [Math.max(0, Math.floor(box.cx - reach)), Math.ceil(box.cx + reach)];
  for (let y = top; y <= Math.min(bottom, height - 1); ++y)
    for (let x = left; x <= Math.min(right, width - 1); ++x) {
      if (!contains(box, [x, y], 0.5)) continue;
      sum += data[y * width + x];
      count += 1;
    }
  return count ? sum / count : 0;
}

/** The network was trained on shrunk text; this grows a box back by area · ratio / perimeter on every side. */
function unclip(box: Box): Box {
  const distance = (box.width * box.height * unclipRatio) / (2 * (box.width + box.height));
  return { ...box, width: box.width + 2 * distance, height: box.height + 2 * distance };
}

/** Tall boxes hold text that runs from top to bottom. */
function alongText(box: Box): Box {
  if (box.height < 1.5 * box.width) return box;
  return { ...box, width: box.height, height: box.width, angle: box.angle + Math.PI / 2 };
}

/** From the map's pixels to the picture's, of which the middles of the first ones are half a pixel in. */
function scaled(box: Box, sx: number, sy: number): Box {
  const [cos, sin] = [Math.cos(box.angle), Math.sin(box.angle)];
  return {
    cx: (box.cx + 0.5) * sx,
    cy: (box.cy + 0.5) * sy,
    width: box.width * Math.hypot(cos * sx, sin * sy),
    height: box.height * Math.hypot(sin * sx, cos * sy),
    angle: Math.atan2(sin * sy, cos * sx),
  };
}
