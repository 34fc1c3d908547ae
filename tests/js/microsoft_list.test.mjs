/** The list of com.microsoft's operators (src/ops/README.md) against the operators that are there, their tests, and the refusals. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test } from 'node:test';
import { encodeModel, GraphBuilder } from '../models/onnx_builder.mjs';
import { microsoftAttentions } from './operators/attention.mjs';
import { blocks } from './operators/blocks.mjs';
import { borrowed } from './operators/borrowed.mjs';
import { experts } from './operators/experts.mjs';
import { fusions } from './operators/fusions.mjs';
import { quantizedMicrosoft } from './operators/quantized.mjs';
import { references } from './operators/references.mjs';
import { states } from './operators/states.mjs';
import { octet } from './package_under_test.mjs';

const read = (path) => fs.readFileSync(new URL(`../../src/ops/${path}`, import.meta.url), 'utf8');
const matchesOf = (text, pattern) => [...text.matchAll(pattern)].map(([, match]) => match);
const sorted = (names) => [...new Set(names)].sort();

const registered = sorted(matchesOf(read('op_list.inc'), /OCTET_OP\("com\.microsoft", "(\w+)"/g));
const list = read('README.md').split('\n# ')[0];
const rows = list.split('\n').filter((line) => line.startsWith('| ') && !line.includes('---'));
const listed = sorted(rows.slice(1).flatMap((row) => matchesOf(row.split('|')[1], /(\w+)/g)));
const refused = matchesOf(list.match(/Refused as a whole[^:]*:([^.]*)\./)[1], /([A-Z]\w+)/g);

test('the list has what is there', () => {
  assert.deepEqual(listed, registered);
});

test('every operator has 30 cases', () => {
  const tested = { ...microsoftAttentions, ...blocks, ...borrowed, ...experts, ...fusions };
  Object.assign(tested, quantizedMicrosoft, states);
  const few = registered.filter(
    (name) => !(name in references) && !((tested[name]?.count ?? 0) >= 30),
  );
  assert.deepEqual(few, []);
});

test('what the list calls refused is, by name', async (t) => {
  assert.ok(refused.length >= 10, refused.join());
  for (const opType of refused)
    await t.test(opType, async () => {
      const graph = new GraphBuilder('refused');
      const x = graph.input('x', 'float32', [2, 3]);
      graph.output(graph.add(opType, [x], {}, 1, 'com.microsoft'), 'float32');
      const model = encodeModel(graph, { opset: 17, domains: { 'com.microsoft': 1 } });
      await assert.rejects(octet.InferenceSession.create(model), (error) => {
        assert.ok(error instanceof octet.OctetError);
        assert.equal(error.code, 'unsupported-operator');
        assert.ok(error.message.includes(`com.microsoft.${opType}`), error.message);
        assert.ok(error.message.includes(`'${opType}'`), error.message);
        return true;
      });
    });
});
