/** Random graphs on Octet and on onnxruntime: the same answers, or both refuse. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomGraph } from '../models/random_graph.mjs';
import { assertOutputsClose } from './closeness.mjs';
import { octet } from './package_under_test.mjs';
import { candidate, reference, runOnce } from './sessions.mjs';

const graphs = 2000;
const tolerance = { relative: 1e-3, absolute: 1e-4 };

/** The outputs, or the error. */
async function attempt(library, { model, feeds }) {
  try {
    return { outputs: await runOnce(library, model, feeds) };
  } catch (error) {
    return { error };
  }
}

/** What is wrong with Octet's answer; undefined when nothing is. */
function complaint(expected, actual) {
  if (actual.error && !(actual.error instanceof octet.OctetError)) return String(actual.error);
  if (actual.error?.code === 'internal') return actual.error.message;
  if (expected.error && actual.error) return undefined;
  if (expected.error) return `onnxruntime refuses: ${expected.error.message}`;
  if (actual.error) return `Octet refuses: ${actual.error.message}`;
  try {
    assertOutputsClose(actual.outputs, expected.outputs, tolerance, 'the graph');
    return undefined;
  } catch (error) {
    return error.message;
  }
}

test(`${graphs} random graphs`, async (t) => {
  const wrong = [];
  let refused = 0;
  for (let seed = 0; seed < graphs; ++seed) {
    const graph = randomGraph(seed);
    const expected = await attempt(reference, graph);
    const actual = await attempt(candidate(octet), graph);
    if (expected.error && actual.error) ++refused;
    const found = complaint(expected, actual);
    if (found) wrong.push(`graph ${seed} (${graph.operators.join(', ')}): ${found}`);
  }
  t.diagnostic(`${refused} of them refused by both`);
  assert.deepEqual(wrong, []);
});
