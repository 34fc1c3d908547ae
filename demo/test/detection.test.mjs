import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load } from './load.mjs';

const { detectionInput, textBoxes } = await load('ocr/detection.ts');
const { contains } = await load('ocr/geometry.ts');

const picture = (width, height) => ({
  width,
  height,
  data: new Uint8ClampedArray(width * height * 4),
});

/** A map that is `value` inside of the boxes. */
function mapOf(width, height, boxes, value = 0.9) {
  const data = new Float32Array(width * height);
  for (let at = 0; at < data.length; ++at)
    if (boxes.some((box) => contains(box, [at % width, Math.floor(at / width)]))) data[at] = value;
  return { data, width, height };
}

const near = (actual, expected, tolerance) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual}, expected ${expected}`);

test('sides become multiples of 32, the longer one at most 960', () => {
  const dims = (width, height) => detectionInput(picture(width, height)).dims;
  assert.deepEqual(dims(640, 480), [1, 3, 480, 640]);
  assert.deepEqual(dims(1920, 1080), [1, 3, 544, 960]);
  assert.deepEqual(dims(100, 10), [1, 3, 32, 96]);
});

test("pixels are normalised with ImageNet's mean and deviation, in the order blue, green, red", () => {
  const image = picture(32, 32);
  for (let at = 0; at < image.data.length; at += 4) image.data.set([255, 0, 51, 255], at);
  const { data } = detectionInput(image);
  near(data[0], (0.2 - 0.406) / 0.225, 1e-6);
  near(data[1024], (0 - 0.456) / 0.224, 1e-6);
  near(data[2048], (1 - 0.485) / 0.229, 1e-6);
});

test('a region grows by area · 1.5 / perimeter on every side', () => {
  const drawn = { cx: 100, cy: 60, width: 120, height: 20, angle: 0 };
  const [box, ...rest] = textBoxes(mapOf(200, 120, [drawn]), { width: 400, height: 240 });
  assert.equal(rest.length, 0);
  const grow = (120 * 20 * 1.5) / (2 * (120 + 20));
  near(box.cx, 201, 1e-6);
  near(box.cy, 121, 1e-6);
  near(box.width, 2 * (120 + 2 * grow), 1e-6);
  near(box.height, 2 * (20 + 2 * grow), 1e-6);
});

test('tilted text keeps its tilt', () => {
  const drawn = { cx: 150, cy: 100, width: 180, height: 16, angle: -0.3 };
  const [box] = textBoxes(mapOf(300, 200, [drawn]), { width: 300, height: 200 });
  near(box.angle, -0.3, 0.02);
  const grow = (180 * 16 * 1.5) / (2 * (180 + 16));
  near(box.width, 180 + 2 * grow, 3);
  near(box.height, 16 + 2 * grow, 3);
});

test('tall boxes are read from top to bottom', () => {
  const drawn = { cx: 50, cy: 100, width: 14, height: 120, angle: 0 };
  const [box] = textBoxes(mapOf(100, 200, [drawn]), { width: 100, height: 200 });
  near(box.angle, Math.PI / 2, 1e-6);
  assert.ok(box.width > box.height);
});

test('faint and tiny regions are no text', () => {
  const image = { width: 200, height: 100 };
  const drawn = { cx: 100, cy: 50, width: 80, height: 12, angle: 0 };
  assert.equal(textBoxes(mapOf(200, 100, [drawn], 0.59), image).length, 0);
  assert.equal(textBoxes(mapOf(200, 100, [drawn], 0.61), image).length, 1);
  assert.equal(textBoxes(mapOf(200, 100, [{ ...drawn, width: 2, height: 2 }]), image).length, 0);
  assert.equal(textBoxes(mapOf(200, 100, []), image).length, 0);
});

test('boxes come in reading order', () => {
  const boxes = textBoxes(
    mapOf(200, 200, [
      { cx: 100, cy: 150, width: 80, height: 12, angle: 0 },
      { cx: 100, cy: 50, width: 80, height: 12, angle: 0 },
    ]),
    { width: 200, height: 200 },
  );
  assert.deepEqual(
    boxes.map((box) => Math.round(box.cy)),
    [51, 151],
  );
});
