/**
 * Exported files: ONNX's own checker accepts those of all modes, and statically quantized networks run in onnxruntime with the
 * answers that Octet gives (quantized.test.mjs, weight_only.test.mjs and mixed.test.mjs hold the other modes to that).
 *
 * Two engines add up floats in different orders, which now and then sends a value to the neighbouring code, and deep nets amplify
 * such steps. Where a whole net agrees to less than 35 dB, the first codes that differ must be such: very few, by one step; what
 * they grow to is bounded too. onnxruntime's own runs with and without its optimizations agree to 30 dB on these nets.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  agreementOf,
  exportAs,
  firstDifference,
  leastSqnr,
  variants,
} from '../accuracy/exports.mjs';
import { fileOf } from '../accuracy/lab.mjs';
import { casesOf, networks } from '../models/networks.mjs';
import { checkModel } from './onnx_checker.mjs';

const largestShare = 1e-3;
const leastAmplifiedSqnr = 20;
/** Operators that have changed since the operator set that the checker knows (17), in the models of these tests. */
const changedSince = ['DequantizeLinear', 'ReduceMean'];

/** Only blocks and types of 4 bits (weight-only quantization) need operator set 21. */
function assertStandard(verdict, { mode }) {
  if (verdict === 'ok') return;
  const [word, opset, ...refused] = verdict.split(' ');
  assert.equal(`${mode} ${word} ${opset}`, 'weight-only newer 21', verdict);
  for (const opType of refused) assert.ok(changedSince.includes(opType), verdict);
}

async function assertAgrees(t, model, steps, options) {
  const agreement = await agreementOf(model, steps, options);
  t.diagnostic(`${agreement.toFixed(1)} dB`);
  if (agreement >= leastSqnr) return;
  const first = await firstDifference(model, steps, options);
  assert.ok(first, `${agreement} dB, though all codes are equal`);
  const found = `${(100 * first.share).toFixed(4)} % of ${first.name} differ by ${first.steps}`;
  t.diagnostic(found);
  assert.ok(first.share <= largestShare && first.steps === 1, `${agreement} dB; ${found}`);
  assert.ok(agreement >= leastAmplifiedSqnr, `${agreement} dB`);
}

for (const network of networks) {
  test(`files of ${network.name}`, async (t) => {
    const source = await fileOf(network.name);
    const [{ steps }] = casesOf(network);
    for (const [label, options] of Object.entries(variants)) {
      const model = await exportAs(source, steps, options);
      if (model === null) continue;
      await t.test(label, async (t) => {
        assertStandard(await checkModel(model), options);
        if (options.mode === 'static') await assertAgrees(t, model, steps, options);
      });
    }
  });
}
