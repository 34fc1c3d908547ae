/** The operators of com.microsoft that onnxruntime has on other processors alone, against plain JavaScript. */
import { test } from 'node:test';
import { assertTensorClose } from './closeness.mjs';
import { references } from './operators/references.mjs';
import { octet } from './package_under_test.mjs';
import { candidate, runOnce } from './sessions.mjs';
import { casesOf } from './single_node.mjs';

const domain = 'com.microsoft';
const tolerance = { relative: 1e-3, absolute: 2e-5 };

for (const [opType, { make, expect, domain: other = domain }] of Object.entries(references)) {
  test(`${other} ${opType}`, async (t) => {
    const definition = {
      opsets: [17],
      count: 30,
      make: (random) => ({ domain: other, ...make(random) }),
    };
    for (const { label, spec, model, feeds } of casesOf(opType, definition)) {
      await t.test(label, async () => {
        const { y0 } = await runOnce(candidate(octet), model, feeds);
        const expected = { type: y0.type, ...expect(spec.inputs, spec.attributes) };
        const isExact = !y0.type.startsWith('float');
        assertTensorClose(y0, expected, isExact ? { relative: 0, absolute: 0 } : tolerance, opType);
      });
    }
  });
}
