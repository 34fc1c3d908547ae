import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load } from './load.mjs';

const { characters, decode, lineInput } = await load('ocr/recognition.ts');
const { editDistance, pairLines, characterAgreement } = await load('ocr/agreement.ts');
const { samplePlanes, stretch } = await load('ocr/pixels.ts');

/** A picture whose red, green and blue rise linearly; bilinear sampling gives such a picture back exactly. */
function ramp(width, height) {
  const data = new Uint8ClampedArray(width * height * 4);
  for (let y = 0; y < height; ++y)
    for (let x = 0; x < width; ++x) data.set([x, 2 * y, x + y, 255], (y * width + x) * 4);
  return { width, height, data };
}
const identity = { mean: [0, 0, 0], std: [1 / 255, 1 / 255, 1 / 255] };

const near = (actual, expected, tolerance) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual}, expected ${expected}`);

test('sampling at the own size gives the pixels', () => {
  const image = ramp(12, 9);
  const { data, dims } = samplePlanes(image, stretch(image, 12, 9), identity, [12, 9]);
  assert.deepEqual(dims, [1, 3, 9, 12]);
  for (let at = 0; at < 108; ++at) {
    near(data[at], (at % 12) + Math.floor(at / 12), 1e-4);
    near(data[108 + at], 2 * Math.floor(at / 12), 1e-4);
    near(data[216 + at], at % 12, 1e-4);
  }
});

for (const [width, height] of [
  [25, 30],
  [20, 6],
])
  test(`stretching a ramp to ${width} × ${height} gives a ramp`, () => {
    const image = ramp(50, 40);
    const { data } = samplePlanes(image, stretch(image, width, height), identity, [width, height]);
    const red = data.subarray(2 * width * height);
    for (let i = 2; i < width - 2; ++i) near(red[i], ((i + 0.5) * 50) / width - 0.5, 1e-3);
  });

test('a line is cut out along its tilt, with ground around it, and padded', () => {
  const image = ramp(120, 100);
  const box = { cx: 60, cy: 50, width: 64, height: 16, angle: 0.4 };
  const { data, dims } = lineInput(image, box);
  assert.deepEqual(dims, [1, 3, 48, 320]);
  const [width, height] = [64 + 4, 16 + 4];
  const filled = Math.ceil((48 * width) / height);
  const red = data.subarray(2 * 48 * 320);
  for (const [i, j] of [
    [10, 3],
    [80, 24],
    [150, 44],
  ]) {
    const [u, v] = [((i + 0.5) / filled - 0.5) * width, ((j + 0.5) / 48 - 0.5) * height];
    const x = 60 - 0.5 + u * Math.cos(0.4) - v * Math.sin(0.4);
    near((red[j * 320 + i] * 0.5 + 0.5) * 255, x, 0.01);
  }
  assert.equal(red[filled], 0);
  assert.notEqual(red[filled - 1], 0);
});

test('long lines are padded to a multiple of 64', () => {
  const box = { cx: 60, cy: 50, width: 110, height: 10, angle: 0 };
  const { dims } = lineInput(ramp(120, 100), box);
  assert.equal(dims[3], Math.ceil((48 * 112.5) / 12.5 / 64) * 64);
});

test('classes are the blank, the dictionary and the space', () => {
  assert.deepEqual(characters('a\nb\r\nc\n'), ['', 'a', 'b', 'c', ' ']);
});

/** Rows of probabilities of which each has its peak at a class. */
const peaks = (classes, steps) =>
  Float32Array.from(steps.flatMap((best) => classes.map((_, c) => (c === best ? 0.8 : 0.05))));

test('repeats are one character unless a blank is between them', () => {
  const alphabet = characters('h\ne\nl\no');
  const decoded = (steps) => decode(peaks(alphabet, steps), alphabet.length, alphabet);
  const { text, confidence } = decoded([1, 1, 2, 2, 0, 3, 3, 0, 3, 4, 4, 0]);
  assert.equal(text, 'hello');
  near(confidence, 0.8, 1e-6);
  assert.equal(decoded([1, 3, 3, 4]).text, 'hlo');
  assert.equal(decoded([5, 1, 5, 4, 0, 5]).text, 'h o');
  assert.deepEqual(decoded([0, 0]), { text: '', confidence: 0 });
});

test("Levenshtein's distances from the literature", () => {
  assert.equal(editDistance('kitten', 'sitting'), 3);
  assert.equal(editDistance('Saturday', 'Sunday'), 3);
  assert.equal(editDistance('', 'abc'), 3);
  assert.equal(editDistance('same', 'same'), 0);
  assert.equal(editDistance('a😀b', 'ab'), 1);
});

test('lines are paired by place', () => {
  const line = (cy, text) => ({ box: { cx: 50, cy, width: 80, height: 20, angle: 0 }, text });
  const first = [line(20, 'one'), line(60, 'two'), line(100, 'three')];
  const second = [line(22, 'one'), line(101, 'thr3e'), line(200, 'four')];
  const pairs = pairLines(first, second);
  assert.deepEqual(
    pairs.map(({ first: a, second: b }) => [a?.text, b?.text]),
    [
      ['one', 'one'],
      ['two', undefined],
      ['three', 'thr3e'],
      [undefined, 'four'],
    ],
  );
  near(characterAgreement(pairs), 1 - (3 + 1 + 4) / 11, 1e-9);
  assert.equal(characterAgreement([]), 1);
});
