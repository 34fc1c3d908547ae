/**
 * Every operator of the nets under test, in the operator sets where its form changed: models of one node with random shapes
 * and attributes, against onnxruntime.
 */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test } from 'node:test';
import { networks } from '../models/networks.mjs';
import { decodeModel } from '../models/onnx_builder.mjs';
import { arrays } from './operators/arrays.mjs';
import { blocks } from './operators/blocks.mjs';
import { elementwise } from './operators/elementwise.mjs';
import { general } from './operators/general.mjs';
import { layers } from './operators/layers.mjs';
import { newer } from './operators/newer.mjs';
import { stringOperators } from './operators/strings.mjs';
import { compareCases } from './single_node.mjs';

const tolerance = { relative: 1e-4, absolute: 1e-5 };
const operators = { ...elementwise, ...arrays, ...layers, ...blocks };

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

for (const [opType, definition] of Object.entries({ ...general, ...newer })) {
  test(opType, compareCases(opType, definition, tolerance));
}

for (const [opType, definition] of Object.entries(stringOperators)) {
  test(`${opType} of strings`, compareCases(opType, definition, tolerance));
}

for (const [opType, definition] of Object.entries(operators)) {
  test(opType, compareCases(opType, definition, tolerance));
}
