/** Tasks for `doJob`: networks at addresses of a page's server, and what Node answers. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { casesOf, network } from '../models/networks.mjs';
import { sqnr } from '../js/closeness.mjs';
import { doJob } from './job.mjs';

/** Rounding differs between engines that fuse a product and a sum and those that don't; integers are one step off then. */
const leastDb = { float: 100, quantized: 30 };

/** Serves a network and its first case to a page of `openPackagePage`. */
export async function publishTask(host, name) {
  const net = network(name);
  const [{ steps }] = casesOf(net);
  const feeds = {};
  for (const [input, { type, dims, data }] of Object.entries(steps[0].feeds))
    feeds[input] = { type, dims, url: host.origin + host.publish(`/${name}/${input}`, data) };
  const model = host.publish(`/${name}.onnx`, fs.readFileSync(await net.locate()));
  return { model: host.origin + model, feeds };
}

/** What Node answers, on SIMD128 alone, which gives the same bits everywhere. */
export const answerInNode = (task) => doJob({ ...task, settings: { simd: 'fixed' } });

/** The same bits. */
export function assertSame({ outputs, files }, expected) {
  assert.deepEqual(outputs, expected.outputs);
  assert.deepEqual(files, expected.files);
}

/** The page asks for the script of threads where an engine has several, and for none where it has one. */
export async function assertThreadsStarted(host, { threads }) {
  const script = '/octet/octet.thread.js';
  if (threads > 1) await host.whenAsked(script);
  else assert.ok(!host.asked.has(script));
}

const tensorsOf = (numbers) => [{ data: numbers }];

/** The same results but for rounding. */
export function assertClose({ outputs }, expected) {
  const [float, ...quantized] = outputs.map((numbers, i) =>
    sqnr(tensorsOf(numbers), tensorsOf(expected.outputs[i])),
  );
  assert.ok(float >= leastDb.float, `float: ${float} dB`);
  for (const db of quantized) assert.ok(db >= leastDb.quantized, `quantized: ${db} dB`);
}
