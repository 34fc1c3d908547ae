import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load } from './load.mjs';

const { mnistInput, mnistSide } = await load('digit/mnist_input.ts');

/** A drawing of filled rectangles [left, top, width, height]. */
function drawing(...rectangles) {
  const data = new Uint8ClampedArray(280 * 280 * 4);
  for (const [left, top, width, height] of rectangles)
    for (let y = top; y < top + height; ++y)
      for (let x = left; x < left + width; ++x)
        data.fill(255, (y * 280 + x) * 4, (y * 280 + x + 1) * 4);
  return { width: 280, height: 280, data };
}

function inkOf(input) {
  let [mass, x, y] = [0, 0, 0];
  const extent = { left: 28, right: -1, top: 28, bottom: -1 };
  input.forEach((value, at) => {
    const [i, j] = [at % mnistSide, Math.floor(at / mnistSide)];
    mass += value;
    x += value * i;
    y += value * j;
    if (value < 0.25) return;
    extent.left = Math.min(extent.left, i);
    extent.right = Math.max(extent.right, i);
    extent.top = Math.min(extent.top, j);
    extent.bottom = Math.max(extent.bottom, j);
  });
  return { centre: [x / mass, y / mass], ...extent };
}

test('an empty drawing is no input', () => {
  assert.equal(mnistInput(drawing()), undefined);
});

test('the longer side becomes 20 pixels, the centre of mass the middle', () => {
  for (const shape of [
    [
      [30, 40, 100, 22],
      [60, 40, 22, 160],
    ],
    [[200, 200, 20, 60]],
    [
      [10, 100, 250, 30],
      [10, 30, 40, 70],
    ],
  ]) {
    const input = mnistInput(drawing(...shape));
    const { centre, left, right, top, bottom } = inkOf(input);
    const longer = Math.max(right - left, bottom - top) + 1;
    assert.ok(longer >= 19 && longer <= 21, `${longer} pixels`);
    for (const part of centre) assert.ok(Math.abs(part - 13.5) < 0.5, `centre ${centre}`);
    assert.ok(input.every((value) => value >= 0 && value <= 1));
  }
});

test('where and how large one draws does not matter', () => {
  const small = mnistInput(drawing([20, 20, 40, 8], [20, 20, 8, 80]));
  const large = mnistInput(drawing([120, 60, 80, 16], [120, 60, 16, 160]));
  const furthest = Math.max(...small.map((value, at) => Math.abs(value - large[at])));
  assert.ok(furthest < 0.3, `${furthest}`);
});
