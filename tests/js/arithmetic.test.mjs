/**
 * The arithmetic of quantization that the package exports: properties over every type, symmetric or not, per tensor, per axis
 * and per block (fast-check, always the same cases); and onnxruntime's QuantizeLinear as the outside reference.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { octet } from './package_under_test.mjs';
import { encodeModel, GraphBuilder, tensor } from '../models/onnx_builder.mjs';
import { reference, runOnce } from './sessions.mjs';

const { chooseQuantParams, dequantizeTensor, quantizeTensor } = octet;

const ranges = {
  uint8: [0, 255],
  int8: [-128, 127],
  uint16: [0, 65535],
  int16: [-32768, 32767],
  uint4: [0, 15],
  int4: [-8, 7],
  uint2: [0, 3],
  int2: [-2, 1],
};
const types = Object.keys(ranges);
const check = (property) => fc.assert(property, { seed: 191, numRuns: 300 });

/** Numbers of any size, whose range float32 has with room to spare. */
const number = fc.float({ noNaN: true, noDefaultInfinity: true, min: -(2 ** 126), max: 2 ** 126 });
const numbers = fc.array(number, { minLength: 1, maxLength: 40 });
const options = fc.record({ type: fc.constantFrom(...types), symmetric: fc.boolean() });

/** Half a step; and what dividing by the scale and rounding it to float32 may move a code by. */
const bound = (scale, type) => scale * (0.5 + (ranges[type][1] - ranges[type][0]) * 2 ** -22);

function assertClose(values, back, scaleAt, type) {
  values.forEach((value, i) => {
    const error = Math.abs(back[i] - value);
    // The product of scale and code is rounded to float32 as well.
    assert.ok(
      error <= bound(scaleAt(i), type) + Math.abs(value) * 2 ** -23,
      `${value} → ${back[i]}`,
    );
  });
}

test('0.75 of [0, 1] is 191 of [0, 255]', () => {
  const { data, scale, zeroPoint } = quantizeTensor([0.75], { min: 0, max: 1, type: 'uint8' });
  assert.deepEqual([...data], [191]);
  assert.equal(scale, Math.fround(1 / 255));
  assert.equal(zeroPoint, 0);
});

describe('one scale for a tensor', () => {
  test('a round trip is off by half a step at most', () =>
    check(
      fc.property(numbers, options, (values, given) => {
        const { data, ...params } = quantizeTensor(values, given);
        assertClose(values, dequantizeTensor(data, params), () => params.scale, given.type);
      }),
    ));

  test('0 is exact', () =>
    check(
      fc.property(number, number, options, (a, b, given) => {
        const params = chooseQuantParams(Math.min(a, b), Math.max(a, b), given);
        const { data } = quantizeTensor([0, -0], { ...given, ...params });
        assert.deepEqual([...data], [params.zeroPoint, params.zeroPoint]);
        assert.deepEqual([...dequantizeTensor(data, params)], [0, 0]);
      }),
    ));

  test('codes rise with the numbers', () =>
    check(
      fc.property(numbers, options, number, number, (values, given, a, b) => {
        const range = { min: Math.min(a, b), max: Math.max(a, b) };
        const { data } = quantizeTensor(Float32Array.from(values).sort(), { ...given, ...range });
        assert.deepEqual(data, data.slice().sort());
      }),
    ));

  test('what lies outside becomes the nearest code', () =>
    check(
      fc.property(options, number, number, (given, a, b) => {
        const range = { min: Math.min(a, b), max: Math.max(a, b) };
        const { data } = quantizeTensor([-Infinity, Infinity], { ...given, ...range });
        const [lowest, highest] = ranges[given.type];
        assert.deepEqual([...data], [given.symmetric ? lowest + 1 : lowest, highest]);
      }),
    ));

  test('codes are of the type, and so are zero points', () =>
    check(
      fc.property(numbers, options, (values, given) => {
        const { data, zeroPoint } = quantizeTensor(values, given);
        const [lowest, highest] = ranges[given.type];
        for (const code of [...data, zeroPoint]) assert.ok(code >= lowest && code <= highest);
        if (given.symmetric) assert.equal(zeroPoint, (lowest + 1 + highest) / 2);
      }),
    ));

  test('a code is the number that it stands for', () =>
    check(
      fc.property(options, fc.integer(), number, (given, pick, reach) => {
        const params = chooseQuantParams(0, Math.abs(reach), given);
        const [lowest, highest] = ranges[given.type];
        const code = lowest + (Math.abs(pick) % (highest - lowest + 1));
        const back = dequantizeTensor([code], params);
        const { data } = quantizeTensor(back, { type: given.type, ...params });
        assert.equal(data[0], code);
      }),
    ));
});

/** A shape, an axis of it, maybe blocks, and as many numbers. */
const layouts = fc
  .array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 })
  .chain((dims) => {
    const size = dims.reduce((product, dim) => product * dim, 1);
    return fc.record({
      layout: fc.record(
        {
          dims: fc.constant(dims),
          axis: fc.integer({ min: -dims.length, max: dims.length - 1 }),
          blockSize: fc.integer({ min: 1, max: 6 }),
        },
        { requiredKeys: ['dims', 'axis'] },
      ),
      values: fc.array(number, { minLength: size, maxLength: size }),
    });
  });

/** Elements by the parameters that they share, found by their subscripts. */
function partsOf({ dims, axis, blockSize }) {
  const at = axis < 0 ? axis + dims.length : axis;
  const parts = new Map();
  const size = dims.reduce((product, dim) => product * dim, 1);
  for (let i = 0; i < size; ++i) {
    const subscripts = [];
    for (let rest = i, d = dims.length - 1; d >= 0; --d) {
      subscripts[d] = rest % dims[d];
      rest = Math.floor(rest / dims[d]);
    }
    const key =
      blockSize === undefined
        ? subscripts[at]
        : subscripts.map((s, d) => (d === at ? Math.floor(s / blockSize) : s)).join();
    if (!parts.has(key)) parts.set(key, []);
    parts.get(key).push(i);
  }
  return [...parts.values()];
}

test('every index or block along an axis is quantized as if it were alone', () =>
  check(
    fc.property(layouts, options, ({ layout, values }, given) => {
      const whole = quantizeTensor(values, { ...given, ...layout });
      const back = dequantizeTensor(whole.data, { ...whole, ...layout });
      const parts = partsOf(layout);
      assert.equal(whole.scale.length, parts.length);
      parts.forEach((members, part) => {
        const alone = quantizeTensor(
          members.map((i) => values[i]),
          given,
        );
        assert.equal(whole.scale[part], alone.scale);
        assert.equal(whole.zeroPoint[part], alone.zeroPoint);
        assert.deepEqual(
          members.map((i) => whole.data[i]),
          [...alone.data],
        );
        const found = members.map((i) => back[i]);
        assert.deepEqual(found, [...dequantizeTensor(alone.data, alone)]);
      });
    }),
  ));

describe('onnxruntime agrees', () => {
  const outputs = ['uint8', 'int8', 'uint16', 'int16'];
  for (const type of outputs) {
    test(type, async () => {
      const cases = fc.sample(fc.tuple(layouts, fc.boolean()), { seed: 255, numRuns: 25 });
      for (const [{ layout, values }, symmetric] of cases) {
        const { data, scale, zeroPoint } = quantizeTensor(values, { type, symmetric, ...layout });
        const { dims, axis, blockSize } = layout;
        const at = axis < 0 ? axis + dims.length : axis;
        const shape =
          blockSize === undefined
            ? [dims[at]]
            : dims.map((dim, d) => (d === at ? Math.ceil(dim / blockSize) : dim));
        // onnxruntime takes one scale for one of the whole tensor, which has no blocks.
        if (blockSize !== undefined && scale.length === 1) continue;
        const graph = new GraphBuilder('quantize');
        graph.input('x', 'float32', dims);
        const params = [
          graph.initializer('scale', tensor('float32', shape, scale)),
          graph.initializer('zero', tensor(type, shape, zeroPoint)),
        ];
        const attributes = blockSize === undefined ? { axis } : { axis, block_size: blockSize };
        graph.output(graph.add('QuantizeLinear', ['x', ...params], attributes, ['y']), type);
        const model = encodeModel(graph, { opset: 21 });
        const { y } = await runOnce(reference, model, { x: tensor('float32', dims, values) });
        // Symmetric ranges leave the lowest code out, which QuantizeLinear does not know of; only rounding could reach it.
        assert.deepEqual([...y.data], [...data]);
      }
    });
  }
});

test('what cannot be quantized is refused', () => {
  const refuses = (body, code, message) =>
    assert.throws(body, (error) => error.code === code && message.test(error.message));
  const bad = 'invalid-input';
  refuses(() => quantizeTensor([1], { type: 'int3' }), 'invalid-option', /int3/);
  refuses(() => quantizeTensor([1], { type: 'toString' }), 'invalid-option', /toString/);
  refuses(() => quantizeTensor([0, NaN]), bad, /element 1 is NaN/);
  refuses(() => quantizeTensor([Infinity]), bad, /element 0 is Infinity/);
  refuses(() => quantizeTensor([1], { min: 1, max: 0 }), bad, /1 to 0/);
  refuses(() => chooseQuantParams(0, 1e300), bad, /1e\+300/);
  refuses(() => quantizeTensor([1], { scale: 0 }), bad, /scale/);
  refuses(() => quantizeTensor([1], { scale: 1, zeroPoint: 256 }), bad, /zeroPoint/);
  refuses(() => quantizeTensor([1], { scale: 1, zeroPoint: 0.5 }), bad, /zeroPoint/);
  refuses(() => quantizeTensor([1, 2], { dims: [3], axis: 0 }), bad, /dims/);
  refuses(() => quantizeTensor([1, 2], { dims: [2], axis: 1 }), bad, /axis/);
  refuses(() => quantizeTensor([1, 2], { dims: [2], axis: 0, blockSize: 0 }), bad, /blockSize/);
  refuses(() => quantizeTensor([1, 2], { blockSize: 2 }), bad, /axis/);
  const params = { scale: new Float32Array(1), zeroPoint: new Uint8Array(2), dims: [2], axis: 0 };
  refuses(() => dequantizeTensor([1, 2], params), bad, /2 of each/);
  assert.deepEqual([...quantizeTensor([NaN, 1], { min: -1, max: 1 }).data], [128, 255]);
  assert.deepEqual([...quantizeTensor([0, 0]).data], [0, 0]);
  assert.equal(quantizeTensor([]).scale, 1);
});
