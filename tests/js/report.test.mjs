/** The JSON report of every mode against its schema, its histograms and layers against other counts, and what is left out. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { describe, test } from 'node:test';
import { GraphBuilder, encodeModel, tensor } from '../models/onnx_builder.mjs';
import { Random } from '../models/random.mjs';
import { sqnr } from './closeness.mjs';
import { octet, projectDirectory } from './package_under_test.mjs';
import { checkSchema } from './schema.mjs';
import { exactReference, runOnce } from './sessions.mjs';

const schemaFile = createRequire(path.join(projectDirectory, 'package.json')).resolve(
  'octet-web/report.schema.json',
);
const schema = JSON.parse(fs.readFileSync(schemaFile));

const random = new Random('report');
const dims = [2, 32];
const inputs = Array.from({ length: 5 }, () => random.normals(64));
const calibration = inputs.map((data) => ({ x: new octet.Tensor('float32', data, dims) }));
const weights = random.normals(32 * 16);
const source = (() => {
  const graph = new GraphBuilder('report');
  const x = graph.input('x', 'float32', dims);
  const w = graph.initializer('w', tensor('float32', [32, 16], weights));
  const v = graph.initializer('v', tensor('float32', [16, 8], random.normals(16 * 8)));
  const hidden = graph.add('MatMul', [x, w], {}, ['hidden']);
  const positive = graph.add('Relu', [hidden], {}, ['positive']);
  graph.output(graph.add('MatMul', [positive, v], {}, ['y']), 'float32', null);
  return encodeModel(graph, { opset: 17 });
})();

const modes = {
  dynamic: { mode: 'dynamic' },
  'dynamic with samples': { mode: 'dynamic', calibration },
  static: { mode: 'static', calibration },
  'static, percentile': {
    mode: 'static',
    calibration,
    activations: { method: 'percentile', percentile: 90 },
  },
  'static with corrections': {
    mode: 'static',
    calibration,
    correct: { biasCorrection: true, smoothQuant: 0.5, equalize: true },
    weights: { method: 'adaround' },
  },
  'dynamic, 7 bits': { mode: 'dynamic', calibration, weights: { reduceRange: true } },
  'weight-only': { mode: 'weight-only', weights: { type: 'int4' } },
  'weight-only, gptq': {
    mode: 'weight-only',
    weights: { type: 'int4', method: 'gptq' },
    calibration,
  },
  float16: { mode: 'weight-only', weights: { type: 'float16' } },
  mixed: { mode: 'mixed', target: { minSqnrDb: 20 }, calibration },
  'nothing quantized': { mode: 'dynamic', exclude: /./ },
};

describe('the report keeps to its schema', () => {
  for (const [name, options] of Object.entries(modes))
    test(name, async () => {
      const { report } = await octet.quantize(source, options);
      const text = JSON.parse(JSON.stringify(report));
      checkSchema(schema, text);
      assert.equal('outputs' in text, options.calibration !== undefined);
      assert.equal('unmeasured' in text, options.calibration === undefined);
    });

  test('which finds what is wrong', async () => {
    const { report } = await octet.quantize(source, modes.static);
    const broken = [
      { ...report, bytesBefore: 'many' },
      { ...report, surprise: 1 },
      { ...report, floatNodes: undefined },
      { ...report, tensors: [{ ...report.tensors[0], role: 'other' }] },
    ];
    for (const each of broken)
      assert.throws(() => checkSchema(schema, JSON.parse(JSON.stringify(each))));
  });
});

const total = ({ counts }) => counts.reduce((sum, count) => sum + count, 0);

test('histograms count every value where it is', async () => {
  const { report } = await octet.quantize(source, modes.static);
  const expected = { w: weights, x: inputs.flatMap((data) => [...data]) };
  for (const [name, values] of Object.entries(expected)) {
    const { histogram, clipping } = report.tensors.find((one) => one.name === name);
    const { low, width, counts } = histogram;
    const made = new Array(counts.length).fill(0);
    for (const value of values) made[Math.floor((value - low) / width)] += 1;
    assert.deepEqual(counts, made, name);
    assert.ok(counts.length <= 64);
    assert.equal(clipping.share, 0);
  }
});

test('a percentile tells how much it clips', async () => {
  const { report } = await octet.quantize(source, modes['static, percentile']);
  const { histogram, clipping } = report.tensors.find(({ name }) => name === 'x');
  assert.equal(total(histogram), 5 * 64);
  const values = inputs.flatMap((data) => [...data]);
  const beyond = values.filter((v) => v < clipping.min || v > clipping.max).length;
  assert.ok(Math.abs(clipping.share - beyond / values.length) < 0.01);
  assert.ok(clipping.share > 0.05 && clipping.share < 0.15, `${clipping.share}`);
});

test('outputs are as far from the float model as onnxruntime finds them', async () => {
  const { model, report } = await octet.quantize(source, modes.static);
  const run = async (library, file) => {
    const outputs = [];
    for (const data of inputs)
      outputs.push((await runOnce(library, file, { x: tensor('float32', dims, data) })).y);
    return outputs;
  };
  const measured = sqnr(await run(exactReference, model), await run(exactReference, source));
  assert.equal(report.samples, inputs.length);
  assert.ok(Math.abs(report.outputs[0].sqnrDb - measured) < 0.5, `${measured} dB`);
  assert.deepEqual(
    report.layers.map(({ name }) => name),
    ['hidden', 'positive'],
  );
  for (const { sqnrDb, cosine } of report.layers) assert.ok(sqnrDb > 30 && cosine > 0.999);
  const { beforeMs, afterMs, runs } = report.latency;
  assert.ok(beforeMs > 0 && afterMs > 0 && runs >= 7);
});

test('layers whose scales a correction moved are compared in the same units', async () => {
  const { report } = await octet.quantize(source, modes['static with corrections']);
  assert.ok(report.rescaledNodes.length > 0);
  for (const { name, sqnrDb, maxError } of report.layers)
    assert.ok(maxError === 0 || sqnrDb > 25, `${name}: ${sqnrDb}`);
});

test('drift is told, with the threshold that decides', async () => {
  const loud = Float32Array.from(inputs[0], (value) => value * 100);
  const varied = [...calibration, { x: new octet.Tensor('float32', loud, dims) }];
  const { report } = await octet.quantize(source, { mode: 'static', calibration: varied });
  const x = report.tensors.find(({ name }) => name === 'x');
  assert.equal(x.method, 'dynamic');
  assert.equal(x.clipping, null);
  assert.ok(x.drift > report.driftThreshold && report.driftThreshold === 8);
  assert.match(octet.renderReport(report), /Ranges measured at each run: \d/);
  const fixed = { mode: 'static', calibration: varied, activations: { adaptive: false } };
  assert.equal((await octet.quantize(source, fixed)).report.driftThreshold, null);
});

test('samples that come once, and an option, leave the measuring out', async () => {
  const once = await octet.quantize(source, { mode: 'static', calibration: calibration.values() });
  assert.match(once.report.unmeasured, /only once/);
  const { report } = await octet.quantize(source, { ...modes.static, measure: false });
  assert.match(report.unmeasured, /options/);
  assert.equal(report.outputs, undefined);
});
