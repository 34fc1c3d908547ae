/**
 * Models of one node with random shapes and attributes, against onnxruntime: for every operator of the nets under test, in the
 * operator sets where its form changed.
 *
 * A case is `{ inputs, constant, attributes, outputs, given }`: tensors, of which null is left out; which of them are initializers
 * (when not said, all but the first, in every other case); attributes, or a function of the graph and the inputs' names;
 * the outputs' types; and how many inputs the node itself takes, when subgraphs capture the rest.
 */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test } from 'node:test';
import { networks } from '../models/networks.mjs';
import { decodeModel, encodeModel, GraphBuilder } from '../models/onnx_builder.mjs';
import { Random } from '../models/random.mjs';
import { assertOutputsClose } from './closeness.mjs';
import { arrays } from './operators/arrays.mjs';
import { elementwise } from './operators/elementwise.mjs';
import { layers } from './operators/layers.mjs';
import { octet } from './package_under_test.mjs';
import { candidate, reference, runOnce } from './sessions.mjs';

const tolerance = { relative: 1e-4, absolute: 1e-5 };
const fewestCases = 8;

function buildCase(
  opType,
  opset,
  { inputs, constant, attributes = {}, outputs = ['float32'], given },
) {
  const graph = new GraphBuilder(opType);
  const feeds = {};
  const names = inputs.map((value, i) => {
    if (value === null) return '';
    if (constant[i]) return graph.initializer(`c${i}`, value);
    feeds[`x${i}`] = value;
    return graph.input(`x${i}`, value.type, value.dims);
  });
  const known = typeof attributes === 'function' ? attributes(graph, names) : attributes;
  const results = outputs.map((_, i) => `y${i}`);
  graph.add(opType, names.slice(0, given), known, results);
  outputs.forEach((type, i) => graph.output(`y${i}`, type));
  return { model: encodeModel(graph, { opset }), feeds };
}

function casesOf(opType, { opsets, opsetOf, count = fewestCases, make }) {
  const random = new Random(opType);
  return Array.from({ length: Math.max(count, fewestCases) }, (_, index) => {
    const opset = opsetOf ? opsetOf(index) : opsets[index % opsets.length];
    const folded = Math.floor(index / (opsets?.length ?? 1)) % 2 === 1;
    const spec = make(random, opset, index);
    const constant = spec.inputs.map((_, i) => spec.constant?.[i] ?? (folded && i > 0));
    return {
      label: `case ${index}, operator set ${opset}`,
      ...buildCase(opType, opset, { ...spec, constant }),
    };
  });
}

const operators = { ...elementwise, ...arrays, ...layers };

const opTypesOf = (graph) =>
  graph.node.flatMap(({ opType, attribute }) => [
    opType,
    ...attribute.flatMap(({ g }) => (g ? opTypesOf(g) : [])),
  ]);

test('every operator of the networks has cases', async () => {
  for (const { name, locate } of networks) {
    const { graph } = decodeModel(fs.readFileSync(await locate()));
    const missing = new Set(opTypesOf(graph).filter((opType) => !(opType in operators)));
    assert.deepEqual([...missing], [], name);
  }
});

for (const [opType, definition] of Object.entries(operators)) {
  test(opType, async (t) => {
    for (const { label, model, feeds } of casesOf(opType, definition)) {
      await t.test(label, async () => {
        const expected = await runOnce(reference, model, feeds);
        const actual = await runOnce(candidate(octet), model, feeds);
        assertOutputsClose(actual, expected, tolerance, opType);
      });
    }
  });
}
