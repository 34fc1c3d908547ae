/**
 * Mixed precision: every network of the benchmark at half its size and 30 dB, measured anew and in onnxruntime; what the report
 * says of the search; what is refused.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { halve, minSqnrDb, mixedNets } from '../accuracy/mixed.mjs';
import { GraphBuilder, encodeModel, tensor } from '../models/onnx_builder.mjs';
import { Random } from '../models/random.mjs';
import { sqnr } from './closeness.mjs';
import { octet } from './package_under_test.mjs';
import { portableReference } from './portable_reference.mjs';
import { candidate, runOnce } from './sessions.mjs';

const mode = 'mixed';

/** Ties that are rounded the other way may bring the two outputs of a net nearer to float's, or further away. */
const leastAgreementDb = 20;

const feedsOf = ({ feeds }) =>
  Object.fromEntries(
    Object.entries(feeds).map(([name, { type, dims, data }]) => [
      name,
      new octet.Tensor(type, data, dims),
    ]),
  );

describe('half the size and 30 dB', () => {
  for (const name of mixedNets) {
    test(name, async (t) => {
      const { model, report, target, schemes, share, sqnrDb, theirSqnrDb, agreementDb } =
        await halve(name);
      const { met, points, chosen } = report.search;
      t.diagnostic(
        `${(100 * share).toFixed(0)} % of the size, ${sqnrDb.toFixed(1)} dB ` +
          `(${theirSqnrDb.toFixed(1)} in onnxruntime), ${points.length} models tried: ${schemes.join(', ')}`,
      );
      assert.ok(met);
      assert.equal(points[chosen].sizeBytes, model.length);
      assert.ok(model.length <= target.maxSizeBytes);
      assert.ok(sqnrDb >= minSqnrDb, `${sqnrDb} dB`);
      assert.ok(Math.abs(sqnrDb - points[chosen].sqnrDb) < 0.01);
      const isAsNear = Math.abs(sqnrDb - theirSqnrDb) < 1;
      assert.ok(isAsNear || agreementDb >= leastAgreementDb, `${agreementDb} dB`);
    });
  }
});

/** Two products. A quarter of what the second one adds up are small weights times large numbers: 8 bits lose these weights. */
function twoProducts() {
  const graph = new GraphBuilder('two products');
  const random = new Random('two products');
  const weights = (name) =>
    graph.initializer(name, tensor('float32', [64, 64], random.normals(64 * 64)));
  const scales = Float32Array.from({ length: 64 }, (_, i) => (i % 4 === 0 ? 4000 : 1));
  const x = graph.input('x', 'float32', [8, 64]);
  const first = graph.add('MatMul', [x, weights('a')], {}, ['first']);
  const scaled = graph.add(
    'Mul',
    [first, graph.initializer('scales', tensor('float32', [64], scales))],
    {},
    ['scaled'],
  );
  const small = scales.map((scale) => 1 / scale);
  const b = random.normals(64 * 64).map((value, i) => value * small[Math.floor(i / 64)]);
  const w = graph.initializer('b', tensor('float32', [64, 64], Float32Array.from(b)));
  graph.output(graph.add('MatMul', [scaled, w], {}, ['y']), 'float32', null);
  const feeds = { x: tensor('float32', [8, 64], random.normals(8 * 64)) };
  return { source: encodeModel(graph, { opset: 17 }), samples: [feedsOf({ feeds })] };
}

/** Two products that read the same values. */
function siblings() {
  const graph = new GraphBuilder('siblings');
  const random = new Random('siblings');
  const x = graph.input('x', 'float32', [4, 32]);
  for (const name of ['a', 'b']) {
    const w = graph.initializer(name, tensor('float32', [32, 32], random.normals(32 * 32)));
    graph.output(graph.add('MatMul', [x, w], {}, [`y_${name}`]), 'float32', null);
  }
  const feeds = { x: tensor('float32', [4, 32], random.normals(4 * 32)) };
  return { source: encodeModel(graph, { opset: 17 }), feeds };
}

test('what one scheme adds is not called like what another one added', async () => {
  const { source, feeds } = siblings();
  const [first, second] = (await octet.inspect(source)).nodeList.map(({ name }) => name);
  const some = await octet.quantize(source, { mode: 'dynamic', include: [first] });
  const calibration = [feedsOf({ feeds })];
  const options = { mode: 'static', include: [second], force: true, calibration };
  const { model } = await octet.quantize(some.model, options);
  const names = (await octet.inspect(model)).nodeList.map(({ name }) => name);
  assert.equal(new Set(names).size, names.length);
  const outputs = await runOnce(candidate(octet), model, feeds);
  const theirs = await runOnce(portableReference, model, feeds);
  for (const name of Object.keys(theirs)) assert.ok(sqnr([outputs[name]], [theirs[name]]) > 60);
});

describe('the search', () => {
  const { source, samples } = twoProducts();
  const search = (target, more = {}) =>
    octet.quantize(source, { mode, target, calibration: samples, ...more });

  test('tells what it looked at', async () => {
    const { report } = await search({ minSqnrDb: 30 });
    const { points, chosen, met, target } = report.search;
    assert.deepEqual(target, { minSqnrDb: 30 });
    assert.ok(met && points[chosen].meetsTarget && points[chosen].sqnrDb >= 30);
    assert.equal(points[0].sqnrDb, Infinity);
    const fastest = points.filter((point) => point.meetsTarget).map((point) => point.latencyMs);
    assert.equal(points[chosen].latencyMs, Math.min(...fastest));
    for (const point of points)
      assert.equal(
        point.pareto,
        !points.some(
          (other) =>
            other.sizeBytes <= point.sizeBytes &&
            other.sqnrDb >= point.sqnrDb &&
            other.latencyMs <= point.latencyMs &&
            (other.sizeBytes < point.sizeBytes ||
              other.sqnrDb > point.sqnrDb ||
              other.latencyMs < point.latencyMs),
        ),
      );
  });

  test('finds the node that a scheme hurts', async () => {
    const { report } = await search({ minSqnrDb: 15, maxSizeBytes: source.length * 0.45 });
    const { met, assignment, sensitivity } = report.search;
    const [first, second] = (await octet.inspect(source)).nodeList
      .filter(({ opType }) => opType === 'MatMul')
      .map(({ name }) => name);
    assert.ok(met);
    assert.equal(assignment[second], 'float16-weights');
    assert.notEqual(assignment[first], 'float16-weights');
    const level = (node) => sensitivity.find((each) => each.node === node).sqnrDb;
    assert.ok(level(second) < 8 && level(first) > 15);
    assert.equal(sensitivity[0].node, second);
  });

  test('says so when nothing meets the target, and returns what came nearest', async () => {
    const { model, report } = await search({ maxSizeBytes: 100 });
    const sizes = report.search.points.map((point) => point.sizeBytes);
    assert.equal(report.search.met, false);
    assert.equal(model.length, Math.min(...sizes));
  });

  test('leaves alone what is excluded', async () => {
    const [{ name }] = (await octet.inspect(source)).nodeList.filter(
      ({ opType }) => opType === 'MatMul',
    );
    const { report } = await search({ minSqnrDb: 5 }, { exclude: [name] });
    assert.ok(!(name in report.search.assignment));
    assert.ok(report.tensors.every(({ node }) => node !== name));
  });

  test('stops when it is aborted', async () => {
    const abort = new AbortController();
    const onProgress = () => setTimeout(() => abort.abort(), 0);
    const aborted = search({ minSqnrDb: 30 }, { onProgress, signal: abort.signal });
    await assert.rejects(aborted, { code: 'aborted' });
  });

  test('refuses what it cannot work with', async () => {
    const refuses = (options, message) =>
      assert.rejects(octet.quantize(source, { mode, ...options }), (error) => {
        assert.equal(error.code, 'invalid-option');
        assert.match(error.message, message);
        return true;
      });
    const target = { minSqnrDb: 30 };
    const generator = (function* () {
      yield* samples;
    })();
    await refuses({ calibration: samples }, /target/);
    await refuses({ calibration: samples, target: {} }, /target/);
    await refuses({ calibration: samples, target: { minSqnrDb: -1 } }, /target\.minSqnrDb/);
    await refuses({ calibration: samples, target: { speed: 1 } }, /speed/);
    await refuses({ target }, /calibration/);
    await refuses({ target, calibration: generator }, /calibration/);
    await refuses({ target, calibration: samples, weights: { type: 'int8' } }, /weights/);
    await assert.rejects(octet.quantize(source, { mode: 'dynamic', target }), {
      code: 'invalid-option',
    });
    await assert.rejects(search(target, { calibration: [] }), { code: 'invalid-input' });
  });
});
