/**
 * Operators between Q/DQ pairs, which run on the codes themselves: onnxruntime's codes to within one step, and that rarely.
 *
 * Two convolutions give an operator its operands, so that the chain is integer from its first to its last tensor.
 */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test } from 'node:test';
import { casesOf, network } from '../models/networks.mjs';
import {
  encodeModel,
  float,
  GraphBuilder,
  int64s,
  scalar,
  tensor,
} from '../models/onnx_builder.mjs';
import { Random } from '../models/random.mjs';
import { sqnr } from './closeness.mjs';
import { octet } from './package_under_test.mjs';
import { candidate, exactReference, runOnce } from './sessions.mjs';

const channels = 8;
const size = 6;
const types = ['uint8', 'int8'];

/** The parameters of a pair for numbers of about unit variance. */
function pairParams(random, type, step = random.uniform(0.02, 0.04)) {
  const zero = (type === 'uint8' ? 128 : 0) + random.integer(-40, 40);
  return { scale: scalar('float32', step), zero: scalar(type, zero) };
}

class QdqChain {
  constructor(random, type) {
    this.random = random;
    this.type = type;
    this.graph = new GraphBuilder('chain');
  }

  constants({ scale, zero }) {
    return [this.graph.initializer('scale', scale), this.graph.initializer('zero', zero)];
  }

  pair(x, params = pairParams(this.random, this.type)) {
    const operands = this.constants(params);
    const codes = this.graph.add('QuantizeLinear', [x, ...operands]);
    return this.graph.add('DequantizeLinear', [codes, ...operands]);
  }

  /** 1×1, with scales per channel. */
  conv(x, scales = this.random.uniforms(channels, 0.003, 0.006), bias = []) {
    const { graph, random } = this;
    const codes = random.integers(channels * channels, -127, 127);
    const w = graph.add(
      'DequantizeLinear',
      [
        graph.initializer('w', tensor('int8', [channels, channels, 1, 1], codes)),
        graph.initializer('w_scale', tensor('float32', [channels], scales)),
        graph.initializer('w_zero', tensor('int8', [channels], new Array(channels).fill(0))),
      ],
      { axis: 0 },
    );
    return graph.add('Conv', [x, w, ...bias]);
  }
}

/** What stands between the operands `a` and `b` and the last pair. */
const operators = {
  Add: ({ graph }, a, b) => graph.add('Add', [a, b]),
  'Add and Relu': ({ graph }, a, b) => graph.add('Relu', [graph.add('Add', [a, b])]),
  Sub: ({ graph }, a, b) => graph.add('Sub', [a, b]),
  Mul: ({ graph }, a, b) => graph.add('Mul', [a, b]),
  'squeeze and excite': (chain, a, b) => {
    const mean = chain.pair(chain.graph.add('GlobalAveragePool', [b]));
    const gate = chain.pair(chain.graph.add('HardSigmoid', [chain.pair(chain.conv(mean))]));
    return chain.graph.add('Mul', [a, gate]);
  },
  Concat: ({ graph }, a, b) => graph.add('Concat', [a, b], { axis: 1 }),
  MaxPool: ({ graph }, a) =>
    graph.add('MaxPool', [a], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }),
  GlobalAveragePool: ({ graph }, a) => graph.add('GlobalAveragePool', [a]),
  AveragePool: ({ graph }, a) =>
    graph.add('AveragePool', [a], { kernel_shape: [2, 2], strides: [2, 2] }),
  Relu: ({ graph }, a) => graph.add('Relu', [a]),
  'Conv and Relu': (chain, a) => chain.graph.add('Relu', [chain.conv(a)]),
  'Conv and Clip': (chain, a) => {
    const bounds = [-0.5, 0.7].map((bound) =>
      chain.graph.initializer('bound', scalar('float32', bound)),
    );
    return chain.graph.add('Clip', [chain.conv(a), ...bounds]);
  },
  'Conv with a channel of hardly any weight': (chain, a) => {
    const scales = chain.random.uniforms(channels, 0.003, 0.006);
    scales[3] = 1e-14;
    const values = chain.random.uniforms(channels, -0.5, 0.5);
    const bias = chain.graph.initializer('bias', tensor('float32', [channels], values));
    return chain.graph.add('HardSwish', [chain.conv(a, scales, [bias])]);
  },
  'Conv and HardSwish': (chain, a) => chain.graph.add('HardSwish', [chain.conv(a)]),
  'Conv and HardSwish, scaled and shifted': (chain, a) => {
    const { graph } = chain;
    const number = (value) => graph.initializer('c', tensor('float32', [1], [value]));
    const y = graph.add('HardSwish', [chain.conv(a)]);
    return graph.add('Add', [graph.add('Mul', [number(1.3), y]), number(-0.4)]);
  },
  'Conv and LeakyRelu': (chain, a) =>
    chain.graph.add('LeakyRelu', [chain.conv(a)], { alpha: float(0.2) }),
  'Conv, LeakyRelu and Max': (chain, a) => {
    const { graph } = chain;
    const least = graph.initializer('least', tensor('float32', [1, 1, 1, 1], [-0.1]));
    return graph.add('Max', [
      graph.add('LeakyRelu', [chain.conv(a)], { alpha: float(0.2) }),
      least,
    ]);
  },
  'Min with a number': ({ graph }, a) =>
    graph.add('Min', [a, graph.initializer('most', scalar('float32', 0.3))]),
  LeakyRelu: ({ graph }, a) => graph.add('LeakyRelu', [a], { alpha: float(0.1) }),
  HardSwish: ({ graph }, a) => graph.add('HardSwish', [a]),
  Sigmoid: ({ graph }, a) => graph.add('Sigmoid', [a]),
  SiLU: (chain, a) => chain.graph.add('Mul', [a, chain.pair(chain.graph.add('Sigmoid', [a]))]),
  'Mul by a number': ({ graph }, a) =>
    graph.add('Mul', [a, graph.initializer('c', tensor('float32', [1], [-0.7]))]),
  Transpose: ({ graph }, a) => graph.add('Transpose', [a], { perm: [0, 2, 3, 1] }),
  Reshape: ({ graph }, a) => graph.add('Reshape', [a, graph.initializer('shape', int64s(1, -1))]),
  Slice: ({ graph }, a) =>
    graph.add('Slice', [
      a,
      ...[int64s(1), int64s(4), int64s(1)].map((value) => graph.initializer('slice', value)),
    ]),
  Split: ({ graph }, a) => {
    const [first, second] = graph.add('Split', [a], { axis: 1 }, 2);
    return graph.add('Mul', [first, second]);
  },
  Pad: ({ graph }, a) =>
    graph.add('Pad', [a, graph.initializer('pads', int64s(0, 0, 1, 2, 0, 0, 3, 0))]),
  'Resize nearest': ({ graph }, a) =>
    graph.add('Resize', [a, '', graph.initializer('scales', tensor('float32', [4], [1, 1, 2, 2]))]),
  'Resize linear': ({ graph }, a) =>
    graph.add(
      'Resize',
      [a, '', graph.initializer('scales', tensor('float32', [4], [1, 1, 2, 2]))],
      { mode: 'linear' },
    ),
};

function build(random, type, operator) {
  const chain = new QdqChain(random, type);
  const { graph } = chain;
  const dims = [1, channels, size, size];
  const x = chain.pair(graph.input('x', 'float32', dims));
  const a = chain.pair(chain.conv(x));
  const b = chain.pair(chain.conv(x));
  const params = chain.constants(pairParams(random, type));
  const y = operator(chain, a, b);
  graph.output(graph.add('QuantizeLinear', [y, ...params], {}, ['y']), type);
  const values = random.normals(channels * size * size);
  return {
    model: encodeModel(graph, { opset: 14 }),
    feeds: { x: tensor('float32', dims, values) },
  };
}

for (const [name, operator] of Object.entries(operators)) {
  test(`${name} in a chain of codes`, async () => {
    const random = new Random(name);
    let steps = 0;
    let count = 0;
    for (let i = 0; i < 12; ++i) {
      const { model, feeds } = build(random, types[i % 2], operator);
      const { y: expected } = await runOnce(exactReference, model, feeds);
      const { y: actual } = await runOnce(candidate(octet), model, feeds);
      assert.deepEqual([actual.type, actual.dims], [expected.type, expected.dims]);
      assert.ok(new Set(expected.data).size > 4, 'the codes say nothing');
      count += expected.data.length;
      expected.data.forEach((code, at) => {
        const difference = Math.abs(code - actual.data[at]);
        assert.ok(difference <= 1, `element ${at} is ${actual.data[at]}, expected ${code}`);
        steps += difference;
      });
    }
    assert.ok(steps <= 0.005 * count, `${steps} of ${count} codes differ`);
  });
}

/** Deeper nets amplify the rare steps beyond any bound; these don't. */
const wholeNetworks = ['mnist', 'ocr_cls', 'wake_word_embedding', 'mobilenet_v2', 'resnet50'];
const leastSqnr = 35;

for (const name of wholeNetworks) {
  test(`statically quantized ${name} gives onnxruntime's answers`, async (t) => {
    const source = fs.readFileSync(await network(name).locate());
    const [{ steps }] = casesOf(network(name));
    const calibration = steps.map(({ feeds }) => feeds);
    const { model } = await octet.quantize(source, { mode: 'static', calibration });
    const expected = Object.values(await runOnce(exactReference, model, steps[0].feeds));
    const actual = Object.values(await runOnce(candidate(octet), model, steps[0].feeds));
    const agreement = sqnr(actual, expected);
    t.diagnostic(`${agreement.toFixed(1)} dB`);
    assert.ok(agreement >= leastSqnr, `${agreement.toFixed(1)} dB`);
  });
}
