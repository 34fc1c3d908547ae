/** The report as a page: complete, and safe with names out of a stranger's model. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GraphBuilder, encodeModel, tensor } from '../models/onnx_builder.mjs';
import { Random } from '../models/random.mjs';
import { octet } from './package_under_test.mjs';

const hostile = `<script>alert("'&")</script>`;

function product() {
  const graph = new GraphBuilder('product');
  const random = new Random('product');
  const w = graph.initializer(hostile, tensor('float32', [32, 8], random.normals(32 * 8)));
  const x = graph.input('x', 'float32', [4, 32]);
  const hidden = graph.add('MatMul', [x, w], {}, ['hidden']);
  graph.output(graph.add('Relu', [hidden], {}, ['y']), 'float32', [4, 8]);
  const samples = [{ x: new octet.Tensor('float32', random.normals(4 * 32), [4, 32]) }];
  return { source: encodeModel(graph, { opset: 17 }), samples };
}

/** Fails for a tag that is not closed, or closed where it was not opened. */
function checkNesting(page) {
  const open = [];
  for (const [, closing, name, own] of page.matchAll(/<(\/?)([a-z][a-z0-9]*)[^<>]*?(\/?)>/g)) {
    if (own || name === 'meta') continue;
    if (closing) assert.equal(open.pop(), name);
    else open.push(name);
  }
  assert.deepEqual(open, []);
}

test('a report with what it cost', async () => {
  const { source, samples } = product();
  const { model, report } = await octet.quantize(source, { mode: 'dynamic' });
  const comparison = await octet.compare(source, model, samples);
  const page = octet.renderReport(report, comparison);
  checkNesting(page);
  assert.ok(!/<script|javascript:| style="| on[a-z]+="/.test(page));
  assert.match(page, /http-equiv="Content-Security-Policy"\s+content="default-src 'none'; /);
  assert.ok(page.includes('&#60;script&#62;alert(&#34;&#39;&#38;&#34;)&#60;/script&#62;'));
  assert.ok(page.includes(`<td class="number">${comparison.outputs[0].sqnrDb.toFixed(1)}</td>`));
  assert.equal(page.match(/class="dot"/g).length, comparison.layers.length);
  assert.equal(page.match(/class="histogram"/g).length, report.tensors.length);
});

test('a report of a search', async () => {
  const { source, samples } = product();
  const target = { minSqnrDb: 30 };
  const options = { mode: 'mixed', target, calibration: samples };
  const { report } = await octet.quantize(source, options);
  const page = octet.renderReport(report);
  checkNesting(page);
  assert.match(page, /Search: the target was met/);
  assert.equal(page.match(/class="(chosen|pareto|other)"/g).length, report.search.points.length);
  assert.equal(page.match(/>chosen</g).length, 1);
});

test('a report of static quantization shows every tensor with its range', async () => {
  const { source, samples } = product();
  const options = { mode: 'static', calibration: samples, correct: { biasCorrection: true } };
  const { report } = await octet.quantize(source, options);
  const page = octet.renderReport(report);
  checkNesting(page);
  assert.equal(page.match(/class="tensor"/g).length, report.tensors.length);
  assert.equal(page.match(/class="histogram"/g).length, report.tensors.length);
  for (const text of [
    'Between layers',
    'Corrections',
    'bias correction',
    'Ranges measured at each run: none',
  ])
    assert.ok(page.includes(text), text);
  assert.equal(
    octet.renderReportBody(JSON.parse(JSON.stringify(report))),
    octet.renderReportBody(report),
  );
});

test('a report without samples says why nothing is measured', async () => {
  const { source } = product();
  const { report } = await octet.quantize(source, { mode: 'dynamic' });
  assert.equal(report.unmeasured, 'no samples were given');
  assert.match(octet.renderReport(report), /were not measured: no samples were given/);
});

test('a report of a model that stayed as it is', async () => {
  const { source } = product();
  const { report } = await octet.quantize(source, { mode: 'dynamic', exclude: /./ });
  const page = octet.renderReport(report);
  checkNesting(page);
  assert.ok(page.includes(report.floatNodes[0].reason));
});
