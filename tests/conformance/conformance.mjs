/**
 * The ONNX backend tests in the npm package as it would be published, or in the native build with sanitizers:
 *
 *   ./octet conformance [--native] [--data DIR] [--filter TEXT] [--json FILE] [--min N]
 *
 * --data: test data in folders of ONNX's layout, instead of Debian's libonnx-testdata; --filter: tests whose name contains TEXT;
 * --json: every test with its result; --min: fails when fewer than N pass.
 */
import fs from 'node:fs';
import { parseArgs } from 'node:util';
import { printHeader, printRow } from '../bench/table.mjs';
import { nativeCommand, packageCommand } from './children.mjs';
import { countOf, runTests, statuses } from './run_tests.mjs';
import { debianData, findTests } from './test_data.mjs';

function parseOptions() {
  const { values } = parseArgs({
    options: {
      native: { type: 'boolean', default: false },
      data: { type: 'string', default: debianData },
      filter: { type: 'string', default: '' },
      json: { type: 'string' },
      min: { type: 'string', default: '0' },
    },
  });
  if (!/^\d+$/.test(values.min)) throw new Error(`--min ${values.min}: a number expected`);
  return { ...values, min: Number(values.min) };
}

function printFailures(results) {
  for (const { status, name, code, reason } of results) {
    if (status === 'failed') console.log(`${name}: ${code ? `${code}: ` : ''}${reason}`);
  }
}

function printOperators(results) {
  printHeader(['operator', ...statuses]);
  const operators = [...new Set(results.map(({ operator }) => operator))].sort();
  for (const operator of operators) {
    const own = results.filter((result) => result.operator === operator);
    printRow([operator, ...statuses.map((status) => countOf(own, status))]);
  }
}

async function main() {
  const { native, data, filter, json, min } = parseOptions();
  const tests = findTests(data, filter);
  if (tests.length === 0) throw new Error(`no test whose name contains '${filter}' in ${data}`);
  const command = native ? nativeCommand() : await packageCommand();
  const results = await runTests(tests, { command });
  if (json) fs.writeFileSync(json, `${JSON.stringify(results, null, 1)}\n`);
  printFailures(results);
  printOperators(results);
  console.log(statuses.map((status) => `${countOf(results, status)} ${status}`).join(', '));
  if (countOf(results, 'passed') < min) throw new Error(`fewer than ${min} tests passed`);
}

try {
  await main();
} catch (error) {
  console.error(`conformance: ${error.message}`);
  process.exitCode = 1;
}
