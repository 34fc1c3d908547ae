/**
 * Cases of what onnxruntime has on other processors alone, most of com.microsoft, and plain JavaScript that computes the same.
 * single_node.mjs says what a case is.
 */
import { float } from '../../models/onnx_builder.mjs';
import { codes, scales, zeroPoints } from './integer.mjs';
import { floats, randomShape, someAxes } from './values.mjs';

/** erf by its Taylor series, which converges for the small numbers of these tests. */
function erf(x) {
  let [term, sum] = [x, x];
  for (let n = 1; n < 200; ++n) {
    term *= -(x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}
const gelu = (x) => (x < -5 ? 0 : x > 5 ? x : 0.5 * x * (1 + erf(x / Math.SQRT2)));
const sigmoid = (x) => 1 / (1 + Math.exp(-x));
const mean = (x) => x.reduce((sum, value) => sum + value, 0) / x.length;

/** Rounds half to even, as QuantizeLinear does. */
function roundHalfEven(x) {
  const down = Math.floor(x);
  const isUp = x - down > 0.5 || (x - down === 0.5 && down % 2 !== 0);
  return isUp ? down + 1 : down;
}

/** The index of each element along every axis. */
function* indicesOf(dims) {
  const count = dims.reduce((a, b) => a * b, 1);
  for (let i = 0; i < count; ++i) {
    let rest = i;
    yield dims.map((_, axis) => {
      const inner = dims.slice(axis + 1).reduce((a, b) => a * b, 1);
      const at = Math.floor(rest / inner);
      rest %= inner;
      return at;
    });
  }
}
const offsetOf = (dims, index) => index.reduce((at, i, axis) => at * dims[axis] + i, 0);

/** `make` yields a case as in single_node.mjs, `expect(inputs, attributes)` the dims and data of its result. */
export const references = {
  BiasAdd: {
    make(random) {
      const dims = [...randomShape(random, 2), random.integer(1, 9)];
      return { inputs: [floats(random, dims), floats(random, [dims[2]]), floats(random, dims)] };
    },
    expect: ([x, bias, skip]) => ({
      dims: x.dims,
      data: x.data.map((value, i) => value + bias.data[i % bias.data.length] + skip.data[i]),
    }),
  },
  BiasSplitGelu: {
    make(random) {
      const dims = [...randomShape(random, 2), 2 * random.integer(1, 9)];
      return { inputs: [floats(random, dims, 1), floats(random, [dims[2]], 1)] };
    },
    expect([x, bias]) {
      const width = bias.data.length;
      const half = width / 2;
      const sum = (row, i) => x.data[row * width + i] + bias.data[i];
      const dims = [...x.dims.slice(0, 2), half];
      const data = Array.from({ length: x.data.length / 2 }, (_, i) => {
        const [row, at] = [Math.floor(i / half), i % half];
        return sum(row, at) * gelu(sum(row, half + at));
      });
      return { dims, data };
    },
  },
  GroupNorm: {
    make(random) {
      const groups = random.integer(1, 3);
      const channels = groups * random.integer(1, 3);
      const channels_last = random.integer(0, 1);
      const [batch, height, width] = random.integers(3, 1, 4);
      const dims = channels_last
        ? [batch, height, width, channels]
        : [batch, channels, height, width];
      return {
        inputs: [floats(random, dims), floats(random, [channels]), floats(random, [channels])],
        attributes: {
          groups,
          channels_last,
          activation: random.integer(0, 1),
          epsilon: float(random.pick([1e-5, 1e-2])),
        },
      };
    },
    expect([x, gamma, beta], { groups, channels_last, activation, epsilon }) {
      const channelOf = (index) => index[channels_last ? 3 : 1];
      const each = gamma.data.length / groups;
      const elements = [...indicesOf(x.dims)].map((index, i) => ({
        channel: channelOf(index),
        group: `${index[0]} ${Math.floor(channelOf(index) / each)}`,
        value: x.data[i],
      }));
      const members = new Map(
        elements.map(({ group }) => [group, elements.filter((other) => other.group === group)]),
      );
      const statistics = new Map(
        [...members].map(([group, list]) => {
          const middle = mean(list.map(({ value }) => value));
          const variance = mean(list.map(({ value }) => (value - middle) ** 2));
          return [group, { middle, scale: 1 / Math.sqrt(variance + epsilon.value) }];
        }),
      );
      const data = elements.map(({ channel, group, value }) => {
        const { middle, scale } = statistics.get(group);
        const y = (value - middle) * scale * gamma.data[channel] + beta.data[channel];
        return activation ? y * sigmoid(y) : y;
      });
      return { dims: x.dims, data };
    },
  },
  Crop: {
    domain: '',
    make(random) {
      const border = random.integers(4, 0, 2);
      const [height, width] = random.integers(2, 5, 8);
      const isSized = random.boolean();
      return {
        inputs: [floats(random, [...randomShape(random, 2, 3), height, width])],
        attributes: { border, ...(isSized && { scale: random.integers(2, 1, 3) }) },
      };
    },
    expect([x], { border: [left, top, right, bottom], scale }) {
      const [batch, channels, height, width] = x.dims;
      const [rows, columns] = scale ?? [height - top - bottom, width - left - right];
      const dims = [batch, channels, rows, columns];
      const data = [...indicesOf(dims)].map(
        ([b, c, row, column]) => x.data[offsetOf(x.dims, [b, c, row + top, column + left])],
      );
      return { dims, data };
    },
  },
  QLinearReduceMean: {
    make(random) {
      const type = random.pick(['uint8', 'int8']);
      const dims = randomShape(random, random.integer(1, 4));
      const axes = someAxes(random, dims.length, random.integer(1, dims.length));
      return {
        inputs: [
          codes(random, type, dims),
          scales(random),
          zeroPoints(random, type),
          scales(random),
          zeroPoints(random, type),
        ],
        attributes: { axes, keepdims: random.integer(0, 1) },
        outputs: [type],
      };
    },
    expect([x, scale, zero, outScale, outZero], { axes, keepdims }) {
      const reduced = x.dims.map(
        (_, axis) => axes.includes(axis) || axes.includes(axis - x.dims.length),
      );
      const kept = x.dims.map((size, axis) => (reduced[axis] ? 1 : size));
      const lists = Array.from({ length: kept.reduce((a, b) => a * b, 1) }, () => []);
      for (const index of indicesOf(x.dims)) {
        const place = index.map((i, axis) => (reduced[axis] ? 0 : i));
        const code = x.data[offsetOf(x.dims, index)] - zero.data[0];
        lists[offsetOf(kept, place)].push(code * scale.data[0]);
      }
      const [low, high] = x.type === 'uint8' ? [0, 255] : [-128, 127];
      const data = lists.map((list) => {
        const code = roundHalfEven(mean(list) / outScale.data[0]) + outZero.data[0];
        return Math.min(high, Math.max(low, code));
      });
      return { dims: keepdims ? kept : kept.filter((_, axis) => !reduced[axis]), data };
    },
  },
};
