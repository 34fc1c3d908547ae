/** Operators that draw random numbers: numpy's for a seed, distributions without one, other numbers at each run. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeModel, float, GraphBuilder, scalar, tensor } from '../models/onnx_builder.mjs';
import { octet } from './package_under_test.mjs';
import { candidate, withSession } from './sessions.mjs';

const library = candidate(octet);

/** Runs one node `times` times; returns the first output of each run. */
async function draw(opType, inputs, attributes, { times = 1, type = 'float32', outputs = 1 } = {}) {
  const graph = new GraphBuilder(opType);
  const names = inputs.map((value, i) => value && graph.initializer(`c${i}`, value));
  const results = Array.from({ length: outputs }, (_, i) => `y${i}`);
  graph.add(opType, names, attributes, results);
  graph.output('y0', type);
  const model = encodeModel(graph, { opset: 17 });
  return withSession(library, model, async (session) => {
    const runs = [];
    for (let i = 0; i < times; ++i) runs.push([...(await session.run({})).y0.data].map(Number));
    return runs;
  });
}

const mean = (x) => x.reduce((sum, value) => sum + value, 0) / x.length;
const deviation = (x) => Math.sqrt(mean(x.map((value) => (value - mean(x)) ** 2)));
const near = (actual, expected, tolerance) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not near ${expected}`);

test('a seed gives what numpy.random.RandomState gives', async () => {
  // numpy.random.RandomState(0): rand(3), randn(5)
  const [uniform] = await draw('RandomUniform', [], { shape: [3], seed: float(0) });
  [0.5488135, 0.71518937, 0.60276338].forEach((value, i) => near(uniform[i], value, 1e-6));
  const [normal] = await draw('RandomNormal', [], { shape: [5], seed: float(0) });
  [1.76405235, 0.40015721, 0.97873798, 2.2408932, 1.86755799].forEach((value, i) =>
    near(normal[i], value, 1e-6),
  );
});

test('with a seed every run is the same, without one each differs', async () => {
  const seeded = await draw('RandomNormal', [], { shape: [8], seed: float(3) }, { times: 2 });
  assert.deepEqual(seeded[0], seeded[1]);
  const free = await draw('RandomNormal', [], { shape: [8] }, { times: 2 });
  assert.notDeepEqual(free[0], free[1]);
});

test('distributions have their moments', async () => {
  const shape = [20_000];
  const [normal] = await draw('RandomNormal', [], { shape, mean: float(3), scale: float(2) });
  near(mean(normal), 3, 0.08);
  near(deviation(normal), 2, 0.08);
  const [uniform] = await draw('RandomUniform', [], { shape, low: float(-1), high: float(3) });
  near(mean(uniform), 1, 0.05);
  near(deviation(uniform), 4 / Math.sqrt(12), 0.05);
  assert.ok(uniform.every((x) => x >= -1 && x < 3));
  const p = tensor('float32', shape, new Float32Array(shape[0]).fill(0.3));
  const [bernoulli] = await draw('Bernoulli', [p], {});
  near(mean(bernoulli), 0.3, 0.02);
  const logits = tensor('float32', [1, 3], [Math.log(0.2), Math.log(0.3), Math.log(0.5)]);
  const [classes] = await draw(
    'Multinomial',
    [logits],
    { sample_size: shape[0] },
    { type: 'int32' },
  );
  [0.2, 0.3, 0.5].forEach((share, c) =>
    near(classes.filter((drawn) => drawn === c).length / shape[0], share, 0.02),
  );
});

test('Dropout in training drops its share and scales the rest', async () => {
  const x = tensor('float32', [20_000], new Float32Array(20_000).fill(1));
  const inputs = [x, scalar('float32', 0.25), scalar('bool', 1)];
  const [y] = await draw('Dropout', inputs, {});
  near(y.filter((value) => value === 0).length / y.length, 0.25, 0.02);
  assert.ok(y.every((value) => value === 0 || Math.abs(value - 4 / 3) < 1e-6));
});

test('what can not be drawn is refused', async () => {
  const refuses = (promise, code) => assert.rejects(promise, (error) => error.code === code);
  await refuses(draw('RandomNormal', [], { shape: [-1] }), 'invalid-model');
  await refuses(draw('RandomNormal', [], { shape: [1 << 30, 1 << 30] }), 'invalid-model');
  const x = tensor('float32', [2], [1, 2]);
  const inputs = [x, scalar('float32', 1), scalar('bool', 1)];
  await refuses(draw('Dropout', inputs, {}), 'invalid-input');
  await refuses(draw('Multinomial', [x], {}, { type: 'int32' }), 'invalid-model');
});
