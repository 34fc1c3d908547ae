/**
 * Attention in its forms, and the operators of com.microsoft that published models hold: models of one node with random shapes
 * and attributes, against onnxruntime.
 */
import { test } from 'node:test';
import { attentions, microsoftAttentions } from './operators/attention.mjs';
import { borrowed } from './operators/borrowed.mjs';
import { experts } from './operators/experts.mjs';
import { fusions, simplifiedNorm } from './operators/fusions.mjs';
import { quantizedMicrosoft } from './operators/quantized.mjs';
import { states } from './operators/states.mjs';
import { compareCases } from './single_node.mjs';

const tolerance = { relative: 1e-3, absolute: 2e-5 };
const microsoft = {
  ...microsoftAttentions,
  ...fusions,
  ...borrowed,
  ...quantizedMicrosoft,
  ...experts,
  ...states,
};

for (const [opType, definition] of Object.entries(attentions)) {
  test(opType, compareCases(opType, definition, tolerance));
}
for (const [opType, definition] of Object.entries(microsoft)) {
  test(`com.microsoft ${opType}`, compareCases(opType, definition, tolerance));
}
test(
  'SimplifiedLayerNormalization',
  compareCases('SimplifiedLayerNormalization', simplifiedNorm, tolerance),
);
