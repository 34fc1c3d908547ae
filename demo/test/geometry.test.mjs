import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load } from './load.mjs';

const { contains, convexHull, corners, inReadingOrder, smallestBox } =
  await load('ocr/geometry.ts');
const { randomNumbers } = await load('samples/element_types.ts');

const close = (actual, expected, tolerance, what) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${what}: ${actual}, expected ${expected}`);

test('the hull of a grid is its corners', () => {
  const grid = Array.from({ length: 35 }, (_, i) => [i % 7, Math.floor(i / 7)]);
  const hull = convexHull(grid).map(String).sort();
  assert.deepEqual(hull, ['0,0', '0,4', '6,0', '6,4']);
});

test('hulls of a point and of points in a line', () => {
  assert.deepEqual(convexHull([[3, 4]]), [[3, 4]]);
  assert.equal(
    convexHull([
      [0, 0],
      [1, 1],
      [2, 2],
    ]).length,
    2,
  );
  assert.deepEqual(smallestBox([[3, 4]]), { cx: 3, cy: 4, width: 0, height: 0, angle: 0 });
});

test('the smallest box of the corners of a box is that box', () => {
  for (const angle of [-0.7, -0.2, 0, 0.1, 0.6]) {
    const box = { cx: 40, cy: -12, width: 90, height: 14, angle };
    const found = smallestBox(corners(box));
    for (const key of Object.keys(box)) close(found[key], box[key], 1e-9, `${key} at ${angle}`);
  }
});

test('no turn of the axes gives a smaller box', () => {
  const random = randomNumbers(7);
  for (let round = 0; round < 20; ++round) {
    const points = Array.from({ length: 30 }, () => [random() * 100, random() * 40]);
    const box = smallestBox(points);
    assert.ok(Math.abs(box.angle) <= Math.PI / 4 + 1e-9);
    for (const point of points) assert.ok(contains(box, point, 1e-9));
    let least = Infinity;
    for (let angle = 0; angle < Math.PI / 2; angle += 0.002) {
      const along = points.map(([x, y]) => x * Math.cos(angle) + y * Math.sin(angle));
      const across = points.map(([x, y]) => y * Math.cos(angle) - x * Math.sin(angle));
      const extent = (list) => Math.max(...list) - Math.min(...list);
      least = Math.min(least, extent(along) * extent(across));
    }
    const area = box.width * box.height;
    assert.ok(area <= least + 1e-9, `${area} > ${least}`);
    assert.ok(area > least * 0.98, `${area} is smaller than a box can be (${least})`);
  }
});

test('boxes are read line by line', () => {
  const box = (cx, cy) => ({ cx, cy, width: 50, height: 20, angle: 0 });
  const ordered = inReadingOrder([box(200, 104), box(40, 150), box(40, 100), box(120, 40)]);
  assert.deepEqual(
    ordered.map(({ cx, cy }) => [cx, cy]),
    [
      [120, 40],
      [40, 100],
      [200, 104],
      [40, 150],
    ],
  );
});
