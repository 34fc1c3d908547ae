/** What quantize measures for its report: the numbers, how many samples, the memory, and that it can be stopped. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test } from 'node:test';
import { casesOf, network } from '../models/networks.mjs';
import { GraphBuilder, decodeModel, encodeModel, tensor } from '../models/onnx_builder.mjs';
import { Random } from '../models/random.mjs';
import { withOutputs } from './integer_layers.mjs';
import { octet } from './package_under_test.mjs';
import { watchMemories } from './wasm_memory.mjs';

const heapBytes = watchMemories();
const random = new Random('measuring');
const dims = [2, 3, 8, 8];
const size = dims.reduce((product, dim) => product * dim);

/** Two convolutions. */
const sourceWith = (outputs) => {
  const graph = new GraphBuilder('measuring');
  const x = graph.input('x', 'float32', dims);
  const filter = (name, to, from) =>
    graph.initializer(name, tensor('float32', [to, from, 3, 3], random.normals(to * from * 9)));
  const pads = [1, 1, 1, 1];
  const hidden = graph.add('Conv', [x, filter('w', 6, 3)], { pads }, ['hidden']);
  const positive = graph.add('Relu', [hidden], {}, ['positive']);
  graph.add('Conv', [positive, filter('v', 5, 6)], { pads }, ['y']);
  for (const value of outputs) graph.output(value, 'float32', null);
  return encodeModel(graph, { opset: 17 });
};
const source = sourceWith(['hidden', 'positive', 'y']);
const sample = () => ({ x: new octet.Tensor('float32', random.normals(size), dims) });

const topOf = (row) => row.indexOf(Math.max(...row));

/** The measures of one output, from what both models gave for all samples. */
function measuresOf(references, candidates, width) {
  const [r, c] = [references, candidates].map((parts) => parts.flatMap((data) => [...data]));
  const sum = (term) => r.reduce((total, value, i) => total + term(value, c[i]), 0);
  const [signal, noise] = [sum((a) => a * a), sum((a, b) => (a - b) ** 2)];
  const rows = r.length / width;
  let agreeing = 0;
  for (let i = 0; i < r.length; i += width)
    if (topOf(r.slice(i, i + width)) === topOf(c.slice(i, i + width))) agreeing += 1;
  return {
    sqnrDb: 10 * Math.log10(signal / noise),
    cosine: sum((a, b) => a * b) / Math.sqrt(signal * sum((_, b) => b * b)),
    maxError: r.reduce((most, value, i) => Math.max(most, Math.abs(value - c[i])), 0),
    top1Agreement: agreeing / rows,
  };
}

async function answersOf(model, samples) {
  const session = await octet.InferenceSession.create(model);
  const answers = [];
  for (const feeds of samples) answers.push(await session.run(feeds));
  await session.release();
  return answers;
}

/** That a row of a report says how far the second values are from the first. */
function assertMeasures({ name, ...measured }, references, candidates) {
  const expected = measuresOf(references, candidates, dims.at(-1));
  for (const [measure, value] of Object.entries(expected))
    assert.ok(
      Math.abs(measured[measure] - value) <= 1e-5 * Math.abs(value),
      `${name}, ${measure}: ${measured[measure]}, not ${value}`,
    );
  assert.ok(expected.top1Agreement < 1 && expected.maxError > 0);
}

const valuesOf = (answers, name) => answers.map((outputs) => outputs[name].data);

test('the numbers are those of running both models', async () => {
  const calibration = Array.from({ length: 20 }, sample);
  const { model, report } = await octet.quantize(source, { mode: 'static', calibration });
  assert.equal(report.samples, 16);
  const first = calibration.slice(0, report.samples);
  const [before, after] = [await answersOf(source, first), await answersOf(model, first)];
  assert.deepEqual(
    report.outputs.map(({ name }) => name),
    ['hidden', 'positive', 'y'],
  );
  const { outputs } = await octet.compare(source, model, first);
  assert.deepEqual(outputs, report.outputs);
  for (const row of report.outputs)
    assertMeasures(row, valuesOf(before, row.name), valuesOf(after, row.name));
});

test('an inner value is compared as what reads it sees it', async () => {
  const inner = sourceWith(['y']);
  const calibration = Array.from({ length: 4 }, sample);
  const options = { mode: 'static', calibration, activations: { adaptive: false } };
  const { model, report } = await octet.quantize(inner, options);
  const { node } = decodeModel(model).graph;
  const outputOf = (opType, input) =>
    node.find((one) => one.opType === opType && one.input[0] === input).output[0];
  const codes = outputOf('QuantizeLinear', 'positive');
  const seen = { hidden: 'hidden', positive: outputOf('DequantizeLinear', codes) };
  assert.deepEqual(
    report.layers.map(({ name }) => name),
    Object.keys(seen),
  );
  const show = (bytes, names) =>
    withOutputs(
      bytes,
      names.map((name) => ({ name })),
    );
  const before = await answersOf(show(inner, Object.keys(seen)), calibration);
  const after = await answersOf(show(model, Object.values(seen)), calibration);
  for (const row of report.layers)
    assertMeasures(row, valuesOf(before, row.name), valuesOf(after, seen[row.name]));
});

test('samples that take long are few, and progress ends with the last of them', async () => {
  const slow = {
    length: 6,
    async *[Symbol.asyncIterator]() {
      for (let i = 0; i < 6; ++i) {
        await new Promise((resolve) => setTimeout(resolve, 200));
        yield sample();
      }
    },
  };
  let last;
  const onProgress = (progress) => (last = progress);
  const { report } = await octet.quantize(source, {
    mode: 'static',
    calibration: slow,
    onProgress,
  });
  assert.equal(report.samples, 2);
  assert.deepEqual(last, { phase: 'measuring', done: 2, total: 2 });
  const single = await octet.quantize(source, { mode: 'static', calibration: [sample()] });
  assert.equal(single.report.samples, 1);
});

test('an abort while it measures ends it', async () => {
  const stop = new AbortController();
  const onProgress = ({ phase }) => phase === 'measuring' && stop.abort('enough');
  const calibration = Array.from({ length: 4 }, sample);
  const options = { mode: 'static', calibration, onProgress, signal: stop.signal };
  await assert.rejects(octet.quantize(source, options), { code: 'aborted', cause: 'enough' });
});

test('two models that run as one take little more memory than one of them', async () => {
  const detector = network('ocr_det');
  const bytes = fs.readFileSync(await detector.locate());
  const { feeds } = casesOf(detector)[1].steps[0];
  const image = Object.fromEntries(
    Object.entries(feeds).map(([name, { type, dims: shape, data }]) => [
      name,
      new octet.Tensor(type, data, shape),
    ]),
  );
  await answersOf(bytes, [image]);
  const oneRun = heapBytes();
  const calibration = [image, image];
  const { report } = await octet.quantize(bytes, { mode: 'static', calibration });
  assert.ok(report.layers.length > 150, `${report.layers.length} layers`);
  assert.ok(heapBytes() < 1.5 * oneRun, `${heapBytes()} bytes, where one run takes ${oneRun}`);
});
