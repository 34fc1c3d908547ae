/** Runs tests in a pool of children and says of each how it went. */
import { difference } from './compare.mjs';
import { runInPool } from './pool.mjs';
import { toleranceOf } from './tolerances.mjs';
import { decodeReply, encodeRequest } from './wire.mjs';

/** Codes that say that something does not exist here; every other error is a failure. */
const absences = ['unsupported-operator', 'no-tensor-type'];

export const statuses = ['passed', 'failed', 'unsupported'];
export const countOf = (results, status) =>
  results.filter((result) => result.status === status).length;

const failed = (reason) => ({ status: 'failed', reason });

function judgeOutputs(test, outputs, expected) {
  if (outputs.length !== expected.length) {
    return failed(`${outputs.length} outputs, not ${expected.length}`);
  }
  for (const [i, value] of expected.entries()) {
    const found = difference(outputs[i], value, toleranceOf(test.name));
    if (found) return failed(`output '${test.outputs[i].name}' ${found}`);
  }
  return { status: 'passed' };
}

async function runDataSet(test, folder, { ask, restart }) {
  const { feeds, expected } = test.readDataSet(folder);
  const { line, failure } = await ask(encodeRequest(test.model, feeds));
  if (failure) return failed(failure);
  const { outputs, error } = decodeReply(line);
  if (!error) return judgeOutputs(test, outputs, expected);
  if (error.code === 'internal') restart(); // an engine that trapped shall not cost the next test
  const status = absences.includes(error.code) ? 'unsupported' : 'failed';
  return { status, code: error.code, reason: error.message };
}

/** `{ status, reason?, code? }`: passed when every data set does, otherwise as the first that does not. */
async function runTest(test, child) {
  if (test.problem) return failed(test.problem);
  const folders = test.dataSets;
  if (folders.length === 0) return failed('has no test_data_set');
  try {
    for (const folder of folders) {
      const result = await runDataSet(test, folder, child);
      if (result.status !== 'passed') return result;
    }
    return { status: 'passed' };
  } catch (error) {
    return failed(`its data can't be used: ${error.message}`);
  }
}

/** Results in the order of the tests: what is said of a test, and how it went. */
export async function runTests(tests, { command, size = 2, seconds = 60 }) {
  const results = await runInPool(tests, runTest, { command, size, seconds });
  return tests.map(({ name, group, subject, operators, types, opsets }, i) => ({
    name,
    group,
    operator: subject,
    operators,
    types,
    opsets,
    ...results[i],
  }));
}
