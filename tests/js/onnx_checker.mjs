/** The checker of the onnx package for Python (Debian's python3-onnx): what it says of a model. */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const python = process.env.PYTHON ?? '/usr/bin/python3';
const script = fileURLToPath(new URL('check_models.py', import.meta.url));
let checker;

/** One process answers all questions, as importing the package takes longer than checking a model. */
function start() {
  const child = spawn(python, [script], { stdio: ['pipe', 'pipe', 'inherit'] });
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'octet-check-'));
  process.on('exit', () => fs.rmSync(directory, { recursive: true, force: true }));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  // Neither the process nor its pipes keep a finished test alive.
  for (const each of [child, child.stdin, child.stdout]) each.unref();
  return { child, lines, file: path.join(directory, 'model.onnx'), busy: Promise.resolve() };
}

async function ask(model) {
  fs.writeFileSync(checker.file, model);
  for (const each of [checker.child, checker.child.stdout]) each.ref();
  checker.child.stdin.write(`${checker.file}\n`);
  const { value, done } = await checker.lines.next();
  for (const each of [checker.child, checker.child.stdout]) each.unref();
  if (done) throw new Error(`${python} ${script} ended: is python3-onnx installed?`);
  return value;
}

/**
 * @param {Uint8Array} model
 * @returns {Promise<string>} 'ok', 'refused' with the reason, or 'newer' with the model's operator set and the operators whose
 *   nodes it does not know
 */
export function checkModel(model) {
  checker ??= start();
  const answer = checker.busy.then(() => ask(model));
  checker.busy = answer.catch(() => {});
  return answer;
}
