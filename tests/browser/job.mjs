/** The job that every place is given, be it a page, a worker or Node. */
import { octet } from '../js/package_under_test.mjs';

const load = async (url) => (await fetch(url)).arrayBuffer();

async function loadFeeds(feeds) {
  const tensors = {};
  for (const [name, { type, url, dims }] of Object.entries(feeds))
    tensors[name] = new octet.Tensor(type, new Float32Array(await load(url)), dims);
  return tensors;
}

async function run(model, feeds) {
  const session = await octet.InferenceSession.create(model);
  const outputs = await session.run(feeds);
  await session.release();
  return Object.values(outputs).flatMap(({ data }) => [...data]);
}

async function digest(bytes) {
  const hash = await crypto.subtle.digest('SHA-256', bytes);
  return [...new Uint8Array(hash)].join();
}

/**
 * Runs a model in float, quantizes it, and runs what comes out: the engine that `settings` of env.wasm give, all outputs, and
 * digests of the files. The model and the floats that it is fed with are at URLs.
 */
export async function doJob({ settings, model, feeds }) {
  Object.assign(octet.env.wasm, settings);
  const bytes = new Uint8Array(await load(model));
  const sample = await loadFeeds(feeds);
  const answer = { outputs: [await run(bytes, sample)], files: [] };
  for (const mode of ['dynamic', 'static']) {
    const quantized = await octet.quantize(bytes, { mode, calibration: [sample] });
    answer.outputs.push(await run(quantized.model, sample));
    answer.files.push(await digest(quantized.model));
  }
  const { simd, threads } = octet.env.octet;
  return { engine: { simd, threads }, ...answer };
}

/** For workers: what comes with a task is the port that its answer goes to. */
export async function answerMessage({ data: { task, port } }) {
  const answer = await doJob(task).catch((error) => ({ failure: String(error) }));
  port.postMessage(answer);
}
