/** Every real network in float, against onnxruntime on the same inputs. */
import { test } from 'node:test';
import { casesOf, networks } from '../models/networks.mjs';
import { assertOutputsClose } from './closeness.mjs';
import { octet } from './package_under_test.mjs';
import { candidate, reference, runSteps, withSession } from './sessions.mjs';

const tolerance = { relative: 1e-3, absolute: 1e-4 };

/** The outputs of every step of every case. */
const runAll = (library, file, cases) =>
  withSession(library, file, async (session) => {
    const results = [];
    for (const { steps } of cases) results.push(await runSteps(library, session, steps));
    return results;
  });

for (const network of networks) {
  test(`float outputs of ${network.name}`, async (t) => {
    const cases = casesOf(network);
    const file = await network.locate();
    const expected = await runAll(reference, file, cases);
    const actual = await runAll(candidate(octet), file, cases);
    for (const [i, { label }] of cases.entries()) {
      await t.test(label, () => {
        for (const [step, outputs] of expected[i].entries()) {
          assertOutputsClose(actual[i][step], outputs, tolerance, `step ${step}`);
        }
      });
    }
  });
}
