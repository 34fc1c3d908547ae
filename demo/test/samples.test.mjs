import assert from 'node:assert/strict';
import { test } from 'node:test';
import { zipSync } from 'fflate';
import { load } from './load.mjs';

const { openDimensions, planInputs } = await load('samples/plan.ts');
const { openSamples } = await load('samples/samples.ts');
const { pictureValues } = await load('samples/pictures.ts');
const { isNpy, parseNpyHeader } = await load('samples/npy.ts');

const summary = {
  inputs: [
    { name: 'image', type: 'float32', shape: ['batch', 3, null, 'width'] },
    { name: 'ids', type: 'int64', shape: ['batch', 'sequence'] },
    { name: 'rate', type: 'int64', shape: [] },
  ],
};
const sizes = new Map([
  ['batch', 2],
  ['image[2]', 4],
  ['width', 5],
  ['sequence', 6],
]);

/** An .npy file as NumPy writes it, of version 1. */
function npy(descr, shape, data) {
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${shape}), }`;
  const length = Math.ceil((text.length + 11) / 64) * 64 - 10;
  const header = new TextEncoder().encode(`${text.padEnd(length - 1)}\n`);
  const start = [0x93, ...new TextEncoder().encode('NUMPY'), 1, 0, length & 255, length >> 8];
  return new Uint8Array([...start, ...header, ...new Uint8Array(data.buffer)]);
}

const input = (name, filling, type = 'float32', dims = [2, 2]) => ({ name, type, dims, filling });
const files = (...contents) => ({
  kind: 'files',
  files: contents.map(([name, bytes]) => new File([bytes], name)),
});
const open = (inputs, count = 1) => openSamples({ inputs, count });
const all = async (samples) => {
  const found = [];
  for await (const sample of samples) found.push(sample);
  return found;
};

test('open dimensions are found once, with likely sizes', () => {
  assert.deepEqual(openDimensions(summary), [
    { key: 'batch', size: 1 },
    { key: 'image[2]', size: 224 },
    { key: 'width', size: 224 },
    { key: 'sequence', size: 32 },
  ]);
});

test('samples have the chosen sizes and fillings, the same at every iteration', async () => {
  const fillings = new Map([['rate', { kind: 'value', value: 16000 }]]);
  const samples = await open(planInputs(summary, sizes, fillings), 2);
  assert.equal(samples.length, 2);
  const [first, second] = await all(samples);
  assert.deepEqual(first.image.dims, [2, 3, 4, 5]);
  assert.equal(first.image.data.length, 120);
  assert.ok(first.image.data.every((value) => Math.abs(value) <= 1));
  assert.ok(new Set(first.image.data).size > 100);
  assert.notDeepEqual(first.image.data, second.image.data);
  assert.ok(first.ids.data instanceof BigInt64Array);
  assert.ok(first.ids.data.every((value) => value === 0n || value === 1n));
  assert.deepEqual(first.rate, { type: 'int64', data: new BigInt64Array([16000n]), dims: [] });
  assert.deepEqual(await all(samples), [first, second]);
});

test('values come from .npy, .npz and raw files, one sample or several', async () => {
  const values = (start) => new Float32Array([start, -2, 3.5, 4]);
  const [one, two, three] = [values(1), values(2), values(3)];
  const both = new Float32Array([...one, ...two]);
  const raw = (array) => new Uint8Array(array.buffer);
  const archive = zipSync({
    'arr_10.npy': npy('<f4', '2, 2', three),
    'arr_9.npy': npy('<f4', '2, 2, 2', both),
  });
  const cases = [
    [files(['a.npy', npy('<f4', '2, 2', one)]), [one]],
    [files(['a.npy', npy('<f4', '2, 2, 2', both)]), [one, two]],
    [files(['a.bin', raw(both)], ['b.bin', raw(three)]), [one, two, three]],
    [files(['a.npz', archive]), [one, two, three]],
  ];
  for (const [filling, expected] of cases) {
    const samples = await open([input('x', filling)], 9);
    assert.equal(samples.length, expected.length);
    for (const round of [1, 2]) {
      const found = (await all(samples)).map(({ x }) => x.data);
      assert.deepEqual(found, expected, `round ${round}`);
    }
  }
});

test('files that do not fit are refused by name', async () => {
  const refused = (filling, message) => assert.rejects(open([input('x', filling)]), message);
  await refused(files(), /Choose files for input 'x'/);
  await refused(files(['d.npy', npy('<f8', '2', new Float64Array(2))]), /d\.npy holds 'f8'.*'f4'/);
  await refused(files(['e.bin', new Uint8Array(15)]), /e\.bin has 15 bytes.*takes 16/);
  await refused(files(['f.bin', new Uint8Array(0)]), /f\.bin has 0 bytes/);
  await refused(files(['g.npz', new Uint8Array(40)]), /g\.npz is no \.npz archive/);
  await refused(files(['h.npz', zipSync({})]), /h\.npz holds no arrays/);
});

test('inputs have as many samples as one another, or one for all', async () => {
  const raw = (count) => files(['a.bin', new Uint8Array(16 * count)]);
  const value = { kind: 'value', value: 1 };
  const lengthOf = async (...fillings) =>
    (
      await open(
        fillings.map((filling, i) => input(`x${i}`, filling)),
        5,
      )
    ).length;
  assert.equal(await lengthOf(raw(3), raw(1)), 3);
  assert.equal(await lengthOf(raw(3), value, { kind: 'random' }), 3);
  assert.equal(await lengthOf(raw(1), value), 1);
  assert.equal(await lengthOf(raw(1), { kind: 'random' }), 5);
  await assert.rejects(lengthOf(raw(3), raw(2)), /3 samples for input 'x0' and 2 for 'x1'/);
});

test("NumPy's headers are read", () => {
  const file = npy('<i8', '3,', new BigInt64Array([1n, 2n, 3n]));
  assert.ok(isNpy(file));
  const { type, shape, start } = parseNpyHeader(file);
  assert.equal(type, 'i8');
  assert.deepEqual(shape, [3]);
  assert.deepEqual(new BigInt64Array(file.slice(start).buffer), new BigInt64Array([1n, 2n, 3n]));
  assert.throws(() => parseNpyHeader(file.subarray(0, 40)), /ends in its header/);
  assert.throws(() => parseNpyHeader(new Uint8Array(40)), /not an .npy file/);
});

test('pictures fill inputs with channels first and last', () => {
  const draw = (width, height) => {
    const data = new Uint8ClampedArray(width * height * 4);
    for (let at = 0; at < width * height; ++at) data.set([255, 51, 0, 255], at * 4);
    return { width, height, data };
  };
  const valuesOf = (dims, type = 'float32') => pictureValues({ name: 'x', type, dims }, draw);
  const rounded = (dims) => [...valuesOf(dims)].map((v) => Number(v.toFixed(3)));
  assert.deepEqual(rounded([1, 3, 1, 2]), [1, 1, 0.2, 0.2, 0, 0]);
  assert.deepEqual(rounded([1, 1, 2, 3]), Array(6).fill(0.4));
  assert.deepEqual(rounded([1, 2, 2, 3]).slice(0, 6), [1, 0.2, 0, 1, 0.2, 0]);
  assert.throws(() => valuesOf([1, 128]), /'x' of shape \[1, 128\]/);
  assert.throws(() => valuesOf([1, 1, 2, 2], 'int64'), /'x', which holds int64/);
});

test('inputs that are too large or of unknown types are refused', async () => {
  const refused = (type, dims, message) =>
    assert.rejects(open([input('x', { kind: 'random' }, type, dims)]), message);
  await refused('string', [1], /'x' holds string/);
  await refused('float32', [65536, 65536], /too many/);
});
