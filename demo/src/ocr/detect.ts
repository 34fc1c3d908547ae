/**
 * Text detection around a differentiable-binarization network (Liao et al., "Real-time Scene Text Detection with
 * Differentiable Binarization", 2020): picture → network input; probability map → turned boxes. Thresholds are those of
 * PaddleOCR's configuration.
 */
import { type Box, type Pixels, samplePlanes } from './image.ts';

const normalisation = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
const pixelThreshold = 0.3;
const boxThreshold = 0.6;
const unclipRatio = 1.5;
const smallestSide = 3;

export interface DetectionInput {
  data: Float32Array;
  /** [1, 3, height, width], both multiples of 32. */
  dims: [number, number, number, number];
}

/** Scales a picture so that its longer side is at most `longest` pixels. */
export function detectionInput(image: Pixels, longest = 960): DetectionInput {
  const scale = Math.min(1, longest / Math.max(image.width, image.height));
  const round = (size: number) => Math.max(32, Math.round((size * scale) / 32) * 32);
  const [width, height] = [round(image.width), round(image.height)];
  const data = samplePlanes(image, width, height, width, normalisation, (i, j) => [
    ((i + 0.5) * image.width) / width - 0.5,
    ((j + 0.5) * image.height) / height - 0.5,
  ]);
  return { data, dims: [1, 3, height, width] };
}

type Point = [number, number];

/** Pixels of each 8-connected region above the threshold. */
function regions(map: ArrayLike<number>, width: number, height: number): number[][] {
  const seen = new Uint8Array(width * height);
  const out: number[][] = [];
  for (let start = 0; start < seen.length; ++start) {
    if (seen[start] || map[start] <= pixelThreshold) continue;
    const region = [start];
    seen[start] = 1;
    for (let next = 0; next < region.length; ++next) {
      const x = region[next] % width;
      const y = Math.floor(region[next] / width);
      for (let ny = Math.max(y - 1, 0); ny <= Math.min(y + 1, height - 1); ++ny)
        for (let nx = Math.max(x - 1, 0); nx <= Math.min(x + 1, width - 1); ++nx) {
          const at = ny * width + nx;
          if (seen[at] || map[at] <= pixelThreshold) continue;
          seen[at] = 1;
          region.push(at);
        }
    }
    out.push(region);
  }
  return out;
}

const cross = (o: Point, a: Point, b: Point) =>
  (a[0] - o[0]) * (b[1] - o[1]) - (a[1] - o[1]) * (b[0] - o[0]);

/** Andrew's monotone chain. */
function convexHull(points: Point[]): Point[] {
  const sorted = [...points].sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  const chain = (list: Point[]) => {
    const hull: Point[] = [];
    for (const p of list) {
      while (hull.length >= 2 && cross(hull[hull.length - 2], hull[hull.length - 1], p) <= 0)
        hull.pop();
      hull.push(p);
    }
    return hull.slice(0, -1);
  };
  return [...chain(sorted), ...chain(sorted.reverse())];
}

/** The smallest rectangle around a hull has a side along one of its edges. */
function smallestBox(hull: Point[]): Box {
  let best: Box | undefined;
  for (let i = 0; i < hull.length; ++i) {
    const [a, b] = [hull[i], hull[(i + 1) % hull.length]];
    const angle = Math.atan2(b[1] - a[1], b[0] - a[0]);
    const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
    const us = hull.map(([x, y]) => x * cos + y * sin);
    const vs = hull.map(([x, y]) => y * cos - x * sin);
    const [u0, u1, v0, v1] = [Math.min(...us), Math.max(...us), Math.min(...vs), Math.max(...vs)];
    if (best && (u1 - u0) * (v1 - v0) >= best.width * best.height) continue;
    const [u, v] = [(u0 + u1) / 2, (v0 + v1) / 2];
    best = { cx: u * cos - v * sin, cy: u * sin + v * cos, width: u1 - u0, height: v1 - v0, angle };
  }
  return best ?? { cx: hull[0][0], cy: hull[0][1], width: 0, height: 0, angle: 0 };
}

/** The same rectangle described so that its text most likely runs along its width, upright. */
function readingDirection(box: Box): Box {
  let { width, height, angle } = box;
  if (height > width * 1.5) [width, height, angle] = [height, width, angle + Math.PI / 2];
  const quarter = Math.PI / 2;
  const turned = Math.round(angle / quarter);
  if (Math.abs(angle) > Math.PI / 4 && width < height * 1.5 && turned % 2 !== 0) {
    [width, height] = [height, width];
    angle -= turned * quarter;
  }
  angle = ((((angle + quarter) % Math.PI) + Math.PI) % Math.PI) - quarter;
  return { ...box, width, height, angle };
}

function meanInside(map: ArrayLike<number>, width: number, height: number, box: Box): number {
  const [cos, sin] = [Math.cos(box.angle), Math.sin(box.angle)];
  const reach = Math.hypot(box.width, box.height) / 2;
  let sum = 0;
  let count = 0;
  const clampRow = (y: number) => Math.min(Math.max(Math.round(y), 0), height - 1);
  const clampColumn = (x: number) => Math.min(Math.max(Math.round(x), 0), width - 1);
  for (let y = clampRow(box.cy - reach); y <= clampRow(box.cy + reach); ++y)
    for (let x = clampColumn(box.cx - reach); x <= clampColumn(box.cx + reach); ++x) {
      const [dx, dy] = [x - box.cx, y - box.cy];
      const inside =
        Math.abs(dx * cos + dy * sin) <= box.width / 2 + 0.5 &&
        Math.abs(dy * cos - dx * sin) <= box.height / 2 + 0.5;
      if (!inside) continue;
      sum += map[y * width + x];
      count += 1;
    }
  return count ? sum / count : 0;
}

/** The network shrinks text; this grows its box back, by area · ratio / perimeter on every side. */
function unclip(box: Box): Box {
  const distance = (box.width * box.height * unclipRatio) / (2 * (box.width + box.height));
  return { ...box, width: box.width + 2 * distance, height: box.height + 2 * distance };
}

/** Boxes in the picture's pixels, in reading order, from the network's map [height, width]. */
export function textBoxes(
  map: ArrayLike<number>,
  width: number,
  height: number,
  image: { width: number; height: number },
): Box[] {
  const [sx, sy] = [image.width / width, image.height / height];
  const boxes: Box[] = [];
  for (const region of regions(map, width, height)) {
    const hull = convexHull(region.map((at) => [at % width, Math.floor(at / width)]));
    const box = smallestBox(
      hull.length ? hull : [[region[0] % width, Math.floor(region[0] / width)]],
    );
    if (Math.min(box.width, box.height) < smallestSide) continue;
    if (meanInside(map, width, height, box) < boxThreshold) continue;
    const grown = readingDirection(unclip(box));
    boxes.push({
      cx: (grown.cx + 0.5) * sx,
      cy: (grown.cy + 0.5) * sy,
      width: grown.width * sx,
      height: grown.height * sy,
      angle: grown.angle,
    });
  }
  return inReadingOrder(boxes);
}

/** Lines from top to bottom, boxes of one line from left to right. */
function inReadingOrder(boxes: Box[]): Box[] {
  const rest = [...boxes].sort((a, b) => a.cy - b.cy);
  const out: Box[] = [];
  while (rest.length) {
    const first = rest[0];
    const line = rest.filter((box) => box.cy - first.cy < Math.min(first.height, box.height) / 2);
    for (const box of line) rest.splice(rest.indexOf(box), 1);
    out.push(...line.sort((a, b) => a.cx - b.cx));
  }
  return out;
}
