import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load } from './load.mjs';

const { makeSamples, openDimensions, pictureValues } = await load('model/inputs.ts');
const { isNpy, parseNpy } = await load('model/npy.ts');

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

test('open dimensions are found once, with likely sizes', () => {
  assert.deepEqual(openDimensions(summary), [
    { key: 'batch', size: 1 },
    { key: 'image[2]', size: 224 },
    { key: 'width', size: 224 },
    { key: 'sequence', size: 32 },
  ]);
});

test('samples have the chosen sizes and fillings', () => {
  const fillings = new Map([['rate', { kind: 'value', value: 16000 }]]);
  const [first, second] = makeSamples(summary, sizes, fillings, 2);
  assert.deepEqual(first.image.dims, [2, 3, 4, 5]);
  assert.equal(first.image.data.length, 120);
  assert.ok(first.image.data.every((value) => Math.abs(value) <= 1));
  assert.ok(new Set(first.image.data).size > 100);
  assert.notDeepEqual(first.image.data, second.image.data);
  assert.ok(first.ids.data instanceof BigInt64Array);
  assert.ok(first.ids.data.every((value) => value === 0n || value === 1n));
  assert.deepEqual(first.rate, { type: 'int64', data: new BigInt64Array([16000n]), dims: [] });
  assert.deepEqual(makeSamples(summary, sizes, fillings, 2)[1], second);
});

test('values come from .npy and raw files, which must fit', () => {
  const one = { inputs: [{ name: 'x', type: 'float32', shape: [2, 2] }] };
  const values = new Float32Array([1, -2, 3.5, 4]);
  const samples = (bytes) =>
    makeSamples(one, new Map(), new Map([['x', { kind: 'bytes', bytes }]]), 1);
  for (const file of [npy('<f4', '2, 2', values), new Uint8Array(values.buffer)])
    assert.deepEqual(samples(file)[0].x.data, values);
  assert.throws(() => samples(npy('<f8', '2', new Float64Array(2))), /holds 'f8'.*takes float32/);
  assert.throws(() => samples(new Uint8Array(15)), /15 bytes.*takes 16/);
});

test("NumPy's headers are read", () => {
  const file = npy('<i8', '3,', new BigInt64Array([1n, 2n, 3n]));
  assert.ok(isNpy(file));
  const { type, shape, data } = parseNpy(file);
  assert.equal(type, 'i8');
  assert.deepEqual(shape, [3]);
  assert.deepEqual(new BigInt64Array(data.buffer), new BigInt64Array([1n, 2n, 3n]));
  assert.throws(() => parseNpy(file.subarray(0, 40)), /ends in its header/);
  assert.throws(() => parseNpy(new Uint8Array(40)), /not an .npy file/);
});

test('pictures fill inputs with channels first and last', () => {
  const draw = (width, height) => {
    const data = new Uint8ClampedArray(width * height * 4);
    for (let at = 0; at < width * height; ++at) data.set([255, 51, 0, 255], at * 4);
    return { width, height, data };
  };
  const rounded = (dims) => [...pictureValues(dims, draw)].map((v) => Number(v.toFixed(3)));
  assert.deepEqual(rounded([1, 3, 1, 2]), [1, 1, 0.2, 0.2, 0, 0]);
  assert.deepEqual(rounded([1, 1, 2, 3]), Array(6).fill(0.4));
  assert.deepEqual(rounded([1, 2, 2, 3]).slice(0, 6), [1, 0.2, 0, 1, 0.2, 0]);
  assert.throws(() => pictureValues([1, 128], draw), /\[1, 128\]/);
});

test('inputs that are too large or of unknown types are refused', () => {
  const of = (type, shape) => ({ inputs: [{ name: 'x', type, shape }] });
  const make = (model) => makeSamples(model, new Map(), new Map(), 1);
  assert.throws(() => make(of('string', [1])), /'x' holds string/);
  assert.throws(() => make(of('float32', [65536, 65536])), /too many/);
});
