/**
 * `node transformers_child.mjs symbol|package|reference FOLDER`: prints as JSON what transformers.js answers, and on
 * versions of what. It runs on Octet in
 * onnxruntime's global place; on whatever is installed as onnxruntime-node; or on that, told to compute integers exactly.
 */
import { runTasks } from './transformers_tasks.mjs';

const [way, folder] = process.argv.slice(2);
const pipelineOptions = {
  // With a library in the global place transformers.js knows no device by its name.
  symbol: { device: 'auto' },
  package: {},
  // On processors without VNNI onnxruntime's products saturate unless this is set (see sessions.mjs).
  reference: { session_options: { extra: { session: { x64quantprecision: '1' } } } },
};
if (way === 'symbol') {
  const { octet } = await import('./package_under_test.mjs');
  globalThis[Symbol.for('onnxruntime')] = octet;
}
const transformers = await import(process.env.TRANSFORMERS ?? '@huggingface/transformers');
const answers = await runTasks(transformers, folder, pipelineOptions[way]);
const { versions } = transformers.env.backends.onnx;
process.stdout.write(JSON.stringify({ versions, answers }));
