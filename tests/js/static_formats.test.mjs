/**
 * What static quantization writes, in every form it has: onnxruntime loads it and gives the answers that Octet gives, and both
 * stay near the float model's.
 */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { describe, test } from 'node:test';
import { casesOf, network } from '../models/networks.mjs';
import { decodeModel, encodeModel, float, GraphBuilder, tensor } from '../models/onnx_builder.mjs';
import { Random } from '../models/random.mjs';
import { sqnr } from './closeness.mjs';
import { octet } from './package_under_test.mjs';
import { candidate, exactReference, reference, runSteps, withSession } from './sessions.mjs';

const dims = [1, 8, 12, 12];
const random = new Random('static formats');

/** A network in which every operator occurs that has a form on codes, but for Softmax and Where. */
function build(opset) {
  const graph = new GraphBuilder('static formats');
  const weights = (...shape) => {
    const terms = shape.slice(1).reduce((all, extent) => all * extent, 1);
    const values = graph.random.normals(shape[0] * terms, 0, 1 / Math.sqrt(terms));
    return graph.initializer('w', tensor('float32', shape, values));
  };
  const bias = (n) =>
    graph.initializer('b', tensor('float32', [n], graph.random.normals(n, 0, 0.3)));
  const number = (value) => graph.initializer('n', tensor('float32', [], [value]));
  const conv = (x, to, from, extent, attributes = {}) =>
    graph.add('Conv', [x, weights(to, from, extent, extent), bias(to)], {
      pads: new Array(4).fill((extent - 1) / 2),
      ...attributes,
    });
  const x = graph.input('x', 'float32', dims);
  const first = graph.add('Relu', [conv(x, 16, 8, 3)]);
  const pooled = graph.add('MaxPool', [first], { kernel_shape: [2, 2], strides: [2, 2] });
  const deep = graph.add('Clip', [conv(pooled, 16, 1, 3, { group: 16 }), number(0), number(6)]);
  const sum = graph.add('Relu', [graph.add('Add', [conv(deep, 16, 16, 1), pooled])]);
  const leaky = graph.add('LeakyRelu', [conv(sum, 16, 16, 3)], { alpha: float(0.2) });
  const gate = graph.add('Sigmoid', [conv(sum, 16, 16, 1)]);
  const gated = graph.add('Mul', [leaky, gate]);
  const joined = graph.add('Concat', [gated, sum], { axis: 1 });
  const averaged = graph.add('AveragePool', [joined], { kernel_shape: [2, 2], strides: [1, 1] });
  const last = graph.add('HardSwish', [conv(averaged, 32, 32, 3)]);
  const flat = graph.add('Flatten', [graph.add('GlobalAveragePool', [conv(last, 32, 32, 1)])]);
  const hidden = graph.add('Relu', [
    graph.add('Gemm', [flat, weights(48, 32), bias(48)], { transB: 1 }),
  ]);
  const mixed = graph.add('MatMul', [hidden, weights(48, 32)]);
  graph.output(
    graph.add('Gemm', [mixed, weights(32, 10), bias(10)], {}, ['y']),
    'float32',
    [1, 10],
  );
  return encodeModel(graph, { opset });
}

const samples = Array.from({ length: 6 }, () => ({
  feeds: { x: tensor('float32', dims, random.normals(8 * 144)) },
}));
const toFeeds = ({ feeds }) =>
  Object.fromEntries(
    Object.entries(feeds).map(([name, { type, data, dims }]) => [
      name,
      new octet.Tensor(type, data, dims),
    ]),
  );

const outputsOf = (library, model, steps) =>
  withSession(library, model, async (session) => {
    const results = [];
    for (const step of steps) {
      const [outputs] = await runSteps(library, session, [step]);
      results.push(...session.outputNames.map((name) => outputs[name]));
    }
    return results;
  });

test('pairs of 16 bits in the branches of an If leave its shapes known', async () => {
  const subject = network('silero_vad_legacy'); // of operator set 16
  const feeds = toFeeds(casesOf(subject)[0].steps[0]);
  const source = new Uint8Array(fs.readFileSync(await subject.locate()));
  const { model } = await octet.quantize(source, {
    mode: 'static',
    activations: { type: 'int16' },
    calibration: [feeds],
    measure: false,
  });
  const session = await octet.InferenceSession.create(model, { enableProfiling: true });
  await session.run(feeds);
  const branches = session.profile.filter(({ opType }) => opType === 'If');
  await session.release();
  assert.deepEqual(
    branches.map(({ shape }) => shape),
    [[1, 1]],
  );
});

const operatorsOf = (model) => decodeModel(model).graph.node.map(({ opType }) => opType);

/** Quantizes, and holds both engines' answers against each other and against the float model's. */
async function quantizeAndCompare(t, source, steps, options, { agreement, accuracy }) {
  const { model, report } = await octet.quantize(source, {
    mode: 'static',
    calibration: steps.map(toFeeds),
    ...options,
  });
  const real = await outputsOf(exactReference, source, steps);
  // Its exact products make weights unsigned, which no kernel multiplies with int8 activations.
  const isSigned = options.activations?.type === 'int8';
  const expected = await outputsOf(isSigned ? reference : exactReference, model, steps);
  const actual = await outputsOf(candidate(octet), model, steps);
  const [same, near] = [sqnr(actual, expected), sqnr(expected, real)];
  t.diagnostic(`onnxruntime agrees to ${same.toFixed(1)} dB; ${near.toFixed(1)} dB to float`);
  assert.ok(same >= agreement, `onnxruntime agrees to ${same.toFixed(1)} dB`);
  assert.ok(near >= accuracy, `${near.toFixed(1)} dB to float`);
  return { model, report, operators: operatorsOf(model) };
}

const activationsOf8Bits = [
  { type: 'uint8' },
  { type: 'uint8', symmetric: true },
  { type: 'int8' },
  { type: 'int8', symmetric: false },
];
const nameOf = ({ type, symmetric }) =>
  `${type}${symmetric === undefined ? '' : symmetric ? ' symmetric' : ' asymmetric'}`;

describe('operators on codes', () => {
  const source = build(17);
  const bars = { agreement: 35, accuracy: 18 };

  for (const activations of activationsOf8Bits) {
    test(`of ${nameOf(activations)}`, async (t) => {
      const options = { format: 'qoperator', activations };
      const { operators } = await quantizeAndCompare(t, source, samples, options, bars);
      for (const name of ['Conv', 'Gemm', 'Add', 'LeakyRelu', 'Sigmoid', 'AveragePool'])
        assert.ok(!operators.includes(name), `a ${name} is left`);
      for (const name of ['Conv', 'MatMul', 'Add', 'Mul', 'LeakyRelu', 'Sigmoid'])
        assert.ok(operators.includes(`QLinear${name}`), `no QLinear${name}`);
      for (const name of ['QGemm', 'QLinearAveragePool', 'QLinearGlobalAveragePool', 'HardSwish'])
        assert.ok(operators.includes(name), `no ${name}`);
      // Codes of a range that begins at 0 imply a Relu. The sum's share one with the gated values, by the Concat.
      const isSymmetric = activations.symmetric ?? activations.type === 'int8';
      assert.equal(operators.filter((name) => name === 'Clip').length, isSymmetric ? 4 : 1);
    });
  }

  test('of uint8 weights, asymmetric', async (t) => {
    const weights = { type: 'uint8', perChannel: false };
    const options = { format: 'qoperator', weights };
    const { operators } = await quantizeAndCompare(t, source, samples, options, bars);
    assert.ok(operators.includes('QLinearConv') && !operators.includes('Conv'));
  });

  test('where onnxruntime has no such operator, pairs stay', async (t) => {
    const weights = { type: 'uint8', perChannel: true };
    const options = { format: 'qoperator', weights };
    const { operators } = await quantizeAndCompare(t, source, samples, options, bars);
    assert.ok(operators.includes('Conv') && operators.includes('QLinearAdd'));
  });

  for (const name of ['mnist', 'ocr_cls']) {
    test(`of ${name}`, async (t) => {
      const steps = casesOf(network(name)).flatMap((each) => each.steps);
      const file = fs.readFileSync(await network(name).locate());
      const options = { format: 'qoperator', activations: { adaptive: false } };
      const { operators } = await quantizeAndCompare(t, file, steps, options, {
        agreement: 30,
        accuracy: 8,
      });
      assert.ok(operators.includes('QLinearConv'));
    });
  }
});

describe('pairs', () => {
  for (const type of ['uint16', 'int16']) {
    for (const symmetric of [true, false]) {
      for (const opset of [17, 21]) {
        test(`of ${nameOf({ type, symmetric })}, operator set ${opset}`, async (t) => {
          const options = { activations: { type, symmetric } };
          const bars = { agreement: 60, accuracy: 30 };
          const { model, report } = await quantizeAndCompare(
            t,
            build(opset),
            samples,
            options,
            bars,
          );
          const pair = decodeModel(model).graph.node.find(
            (node) => node.opType === 'QuantizeLinear',
          );
          assert.equal(pair.domain, opset < 21 ? 'com.microsoft' : '');
          assert.ok(report.tensors.some((each) => each.type === type));
        });
      }
    }
  }

  test('of 16 bits lose next to nothing that weights do not', async (t) => {
    const bars = { agreement: 60, accuracy: 30 };
    for (const name of ['mnist', 'ocr_cls']) {
      const steps = casesOf(network(name)).flatMap((each) => each.steps);
      const file = fs.readFileSync(await network(name).locate());
      await quantizeAndCompare(t, file, steps, { activations: { type: 'uint16' } }, bars);
    }
  });

  for (const method of ['mean', 'mse']) {
    for (const perChannel of [true, false]) {
      test(`weights by ${method}, ${perChannel ? 'per channel' : 'per tensor'}`, async (t) => {
        const options = { weights: { method, perChannel }, activations: { method: 'mean' } };
        const bars = { agreement: 35, accuracy: 15 };
        const { report } = await quantizeAndCompare(t, build(17), samples, options, bars);
        assert.ok(report.tensors.some((each) => each.method === method && each.sqnrDb !== null));
        const plain = await octet.quantize(build(17), {
          mode: 'static',
          weights: { perChannel },
          calibration: samples.map(toFeeds),
        });
        const lossOf = ({ tensors }) => tensors.find(({ name }) => name === 'w').sqnrDb;
        if (method === 'mse') assert.ok(lossOf(report) >= lossOf(plain.report));
      });
    }
  }
});

test('dynamic quantization by mean and mse runs in onnxruntime', async () => {
  for (const method of ['mean', 'mse']) {
    const { model, report } = await octet.quantize(build(17), {
      mode: 'dynamic',
      weights: { method },
    });
    assert.ok(report.tensors.every((each) => each.method === method));
    const expected = await outputsOf(exactReference, model, samples);
    assert.ok(sqnr(await outputsOf(candidate(octet), model, samples), expected) >= 35);
  }
});

describe('what has no form is refused', () => {
  const refused = [
    [{ format: 'qoperator', activations: { type: 'uint16' } }, /activations\.type/],
    [{ weights: { method: 'gptq' } }, /weights\.method/],
    [{ weights: { blockSize: 32 } }, /weights\.blockSize.*weight-only/],
    [{ activations: { type: 'int4' } }, /activations\.type/],
    [{ activations: { method: 'median' } }, /activations\.method/],
    [
      { mode: 'dynamic', calibration: undefined, weights: { method: 'adaround' } },
      /weights\.method/,
    ],
  ];
  for (const [options, message] of refused) {
    test(JSON.stringify(options), async () => {
      const whole = { mode: 'static', calibration: samples.map(toFeeds), ...options };
      await assert.rejects(octet.quantize(build(17), whole), { code: 'invalid-option', message });
    });
  }
});
