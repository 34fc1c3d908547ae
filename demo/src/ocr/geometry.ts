/** Plane geometry of text boxes. The y axis points down, as in pictures. */

export type Point = readonly [x: number, y: number];

/** A rectangle turned by `angle` (radians) about its centre; text runs along its width. */
export interface Box {
  cx: number;
  cy: number;
  width: number;
  height: number;
  angle: number;
}

const cross = (o: Point, a: Point, b: Point) =>
  (a[0] - o[0]) * (b[1] - o[1]) - (a[1] - o[1]) * (b[0] - o[0]);

/** The corners of the hull, without points on its edges (Andrew's monotone chain, 1979). */
export function convexHull(points: readonly Point[]): Point[] {
  const sorted = [...points].sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  if (sorted.length < 3) return sorted;
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

/**
 * The rectangle of least area around points. One of its sides lies along an edge of their hull (Freeman & Shapira 1975).
 * Its angle is between −45° and 45°.
 */
export function smallestBox(points: readonly Point[]): Box {
  const hull = convexHull(points);
  let best: Box | undefined;
  hull.forEach((a, i) => {
    const b = hull[(i + 1) % hull.length];
    const box = boxAtAngle(hull, nearestUpright(Math.atan2(b[1] - a[1], b[0] - a[0])));
    if (!best || box.width * box.height < best.width * best.height) best = box;
  });
  return best ?? { cx: 0, cy: 0, width: 0, height: 0, angle: 0 };
}

/** The angle of −45° to 45° that differs from the given one by quarter turns. */
const nearestUpright = (angle: number) => angle - Math.round(angle / (Math.PI / 2)) * (Math.PI / 2);

function boxAtAngle(hull: readonly Point[], angle: number): Box {
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const along = hull.map(([x, y]) => x * cos + y * sin);
  const across = hull.map(([x, y]) => y * cos - x * sin);
  const [u0, u1] = [Math.min(...along), Math.max(...along)];
  const [v0, v1] = [Math.min(...across), Math.max(...across)];
  const [u, v] = [(u0 + u1) / 2, (v0 + v1) / 2];
  return {
    cx: u * cos - v * sin,
    cy: u * sin + v * cos,
    width: u1 - u0,
    height: v1 - v0,
    angle,
  };
}

/** From the top left corner in reading direction, clockwise. */
export function corners({ cx, cy, width, height, angle }: Box): Point[] {
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const signs: Point[] = [
    [-1, -1],
    [1, -1],
    [1, 1],
    [-1, 1],
  ];
  return signs.map(([su, sv]) => {
    const [u, v] = [(su * width) / 2, (sv * height) / 2];
    return [cx + u * cos - v * sin, cy + u * sin + v * cos];
  });
}

/** Whether a point is in the box grown by `margin` on every side. */
export function contains(box: Box, [x, y]: Point, margin = 0): boolean {
  const [cos, sin] = [Math.cos(box.angle), Math.sin(box.angle)];
  const [dx, dy] = [x - box.cx, y - box.cy];
  return (
    Math.abs(dx * cos + dy * sin) <= box.width / 2 + margin &&
    Math.abs(dy * cos - dx * sin) <= box.height / 2 + margin
  );
}

/** Lines from top to bottom, boxes that stand on one line from left to right. */
export function inReadingOrder(boxes: readonly Box[]): Box[] {
  const rest = [...boxes].sort((a, b) => a.cy - b.cy);
  const out: Box[] = [];
  while (rest.length) {
    const first = rest[0];
    const isBeside = (box: Box) => box.cy - first.cy < Math.min(first.height, box.height) / 2;
    const line = rest.filter(isBeside);
    for (const box of line) rest.splice(rest.indexOf(box), 1);
    out.push(...line.sort((a, b) => a.cx - b.cx));
  }
  return out;
}
