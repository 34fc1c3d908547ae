/** Models whose weights are in a file of their own: found beside a path or given, by all that opens a model more than once. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { describe, test } from 'node:test';
import { GraphBuilder, encodeModel, tensor } from '../models/onnx_builder.mjs';
import { inFolder, octet as command, succeed, write } from './octet_command.mjs';
import { octet } from './package_under_test.mjs';
import { reference, runOnce } from './sessions.mjs';
import { withWeightsOutside } from './snippets.mjs';

const { compare, quantize } = octet;

function product() {
  const graph = new GraphBuilder('product');
  const x = graph.input('x', 'float32', ['batch', 64]);
  const w = graph.initializer('w', tensor('float32', [64, 64], graph.random.normals(64 * 64)));
  graph.output(graph.add('MatMul', [x, w], {}, ['y']), 'float32', ['batch', 64]);
  return new Uint8Array(encodeModel(graph));
}

const inside = product();
const { outside, weights } = withWeightsOutside(inside);
const place = write('model.onnx', outside);
write('weights.bin', weights);
const externalData = [{ path: 'weights.bin', data: weights }];
const values = Float32Array.from({ length: 128 }, (_, i) => Math.sin(i));
const calibration = [{ x: new octet.Tensor('float32', values, [2, 64]) }];

describe('a model is quantized as if its weights were inside', () => {
  const choices = {
    equalized: { mode: 'dynamic', correct: { equalize: true } },
    corrected: { mode: 'static', correct: { smoothQuant: 0.5, biasCorrection: true } },
    'in powers of two': { mode: 'static', activations: { scheme: 'log2' } },
    'to 7 bits': { mode: 'dynamic', weights: { reduceRange: true } },
  };
  for (const [name, options] of Object.entries(choices))
    test(name, async () => {
      const { model } = await quantize(inside, { ...options, calibration });
      const beside = await quantize(place, { ...options, calibration });
      const given = await quantize(outside, { ...options, calibration, externalData });
      assert.deepEqual(beside.model, model);
      assert.deepEqual(given.model, model);
      assert.equal(beside.report.bytesBefore, outside.length);
    });
});

describe('mixed', () => {
  const search = async (source, target, more) => {
    const { model, report } = await quantize(source, {
      mode: 'mixed',
      target,
      calibration,
      ...more,
    });
    return { model, report, float: report.search.points[0] };
  };

  test('counts what is outside, and meets a size that only integers have', async () => {
    const target = { maxSizeBytes: weights.length / 2 };
    for (const [source, more] of [[place], [outside, { externalData }]]) {
      const { model, report, float } = await search(source, target, more);
      assert.ok(report.search.met);
      assert.ok(model.length <= target.maxSizeBytes);
      assert.ok(float.sizeBytes > weights.length);
      assert.equal(report.bytesBefore, outside.length);
    }
  });

  test('gives one file also where all stays float', async () => {
    const { model, report } = await search(place, { minSqnrDb: 1000 });
    assert.deepEqual(report.tensors, []);
    assert.equal(report.bytesAfter, model.length);
    const [{ x }] = calibration;
    const { y } = await runOnce(reference, model, { x });
    const [{ sqnrDb }] = (await compare(place, model, calibration)).outputs;
    assert.equal(y.data.length, 128);
    assert.equal(sqnrDb, Infinity);
  });
});

test('compare finds the weights of either side', async () => {
  for (const sides of [
    [place, inside],
    [inside, place],
  ]) {
    const { outputs } = await compare(...sides, calibration);
    assert.equal(outputs[0].sqnrDb, Infinity);
  }
});

test('compare reads what is given once, for both sides', async () => {
  const files = [{ path: 'weights.bin', data: new Response(weights) }];
  const { outputs } = await compare(outside, outside, calibration, { externalData: files });
  assert.equal(outputs[0].sqnrDb, Infinity);
});

describe('the command line', () => {
  test('compares', () => {
    const result = JSON.parse(
      succeed(['compare', place, place, '--samples', 'random:2', '--json']).toString(),
    );
    assert.equal(result.outputs[0].maxError, 0);
  });

  test('searches, and takes a share of all', () => {
    const output = inFolder('mixed.onnx');
    const flags = ['--mode', 'mixed', '--calibration', 'random:2', '--max-size', '50%'];
    const { status, stderr } = command(['quantize', place, '-o', output, ...flags]);
    assert.equal(status, 0, stderr);
    assert.equal(stderr, '');
    const { size } = fs.statSync(output);
    assert.ok(size <= weights.length / 2 && size > outside.length, `${size} bytes`);
  });
});
