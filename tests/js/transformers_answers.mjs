/** Answers of transformers_tasks.mjs: those of another process, and how near two are. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { assertTensorClose, sqnr } from './closeness.mjs';

const child = fileURLToPath(new URL('transformers_child.mjs', import.meta.url));

/** What transformers_child.mjs prints. */
export async function answersOf(way, folder, { flags = [], environment = {} } = {}) {
  const parameters = [...flags, child, way, folder];
  const { stdout } = await promisify(execFile)(process.execPath, parameters, {
    env: { ...process.env, ...environment },
    maxBuffer: 2 ** 26,
  });
  return JSON.parse(stdout);
}

/**
 * Texts and shapes are equal. Numbers are within 1e-3, relative, where weights are real numbers when they are used (q4 too). Under q8
 * the inputs of products are rounded at each run: the last bit of a float may tip one to the next code, which is 1/255 of its range,
 * so what is held is that all numbers together are 40 dB above the difference, a hundredth of them.
 */
export function assertAnswersClose(actual, expected, dtype) {
  assert.deepEqual({ ...actual, numbers: [] }, { ...expected, numbers: [] });
  const [a, e] = [actual, expected].map(({ numbers }) => ({
    type: 'float32',
    dims: [numbers.length],
    data: numbers,
  }));
  if (dtype !== 'q8') assertTensorClose(a, e, { relative: 1e-3, absolute: 1e-5 }, dtype);
  else if (e.data.length) assert.ok(sqnr([a], [e]) > 40, `${sqnr([a], [e])} dB`);
}
