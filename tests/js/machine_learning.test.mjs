/** The operators of ai.onnx.ml as models of one node, against onnxruntime. */
import { test } from 'node:test';
import { machineLearning } from './operators/machine_learning.mjs';
import { compareCases } from './single_node.mjs';

for (const [opType, definition] of Object.entries(machineLearning)) {
  test(opType, compareCases(opType, definition, { relative: 1e-3, absolute: 1e-5 }));
}
