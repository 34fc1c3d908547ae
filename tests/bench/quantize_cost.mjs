/** What quantizing costs: time and memory, each measured in a fresh process by quantize_once.mjs. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { entry } from '../js/package_under_test.mjs';
import { printHeader, printRow, showMb, showMs } from './table.mjs';

const script = fileURLToPath(new URL('quantize_once.mjs', import.meta.url));
const observers = ['minmax', 'moving-average', 'percentile', 'entropy', 'mse'];

async function once(what, name, variant, options = {}) {
  const parameters = [script, entry.href, what, name, String(variant), JSON.stringify(options)];
  const { stdout } = await promisify(execFile)(process.execPath, parameters);
  return JSON.parse(stdout);
}

const percent = (part, whole) => `${((100 * part) / whole).toFixed(0)} %`;

async function measureDynamic() {
  const { cpuMs, clockMs, peakBytes, fileBytes, modelBytes } = await once(
    'quantize',
    'resnet50',
    0,
    {
      mode: 'dynamic',
    },
  );
  console.log(
    `resnet50, dynamic: ${showMs(cpuMs)} ms of processor time (${showMs(clockMs)} ms by the clock), ` +
      `${showMb(fileBytes)} → ${showMb(modelBytes)} MB; at the peak ${(peakBytes / fileBytes).toFixed(2)} × the file in memory`,
  );
  return { cpuMs, clockMs, peakBytes, fileBytes, modelBytes };
}

/** With what the report measures afterwards, by runs of both models, and without. */
async function measureStatic(samples) {
  const runs = await once('run', 'resnet50', 0, { runs: samples });
  const quantize = (options) =>
    once('quantize', 'resnet50', 0, { mode: 'static', samples, ...options });
  const [unmeasured, whole] = [await quantize({ measure: false }), await quantize({})];
  const share = (of) =>
    `${showMs(of.cpuMs)} ms (${showMs(of.clockMs)} by the clock), of which runs are ` +
    `${percent(runs.cpuMs, of.cpuMs)} (${percent(runs.clockMs, of.clockMs)})`;
  console.log(
    `resnet50, static with ${samples} samples; as many runs of the float model take ${showMs(runs.cpuMs)} ms of processor time ` +
      `(${showMs(runs.clockMs)} by the clock):`,
  );
  console.log(`  quantizing: ${share(unmeasured)}`);
  console.log(`  and measuring what it cost, for the report: ${share(whole)}`);
  return { samples, runs, unmeasured, whole };
}

/** Calibration of a net of 640×640 images, sample by sample, beside one run of it. */
async function measureStreaming(images) {
  const run = await once('run', 'ocr_det', 1, { runs: 0 });
  const ratio = (result) => [result.heapBytes / run.heapBytes, result.peakBytes / run.peakBytes];
  const show = (label, result) =>
    printRow([
      label,
      showMb(result.heapBytes),
      showMb(result.peakBytes),
      ...ratio(result).map((r) => r.toFixed(2)),
    ]);
  console.log(`\nocr_det, static with ${images} images of 640×640, memory in MB:\n`);
  printHeader(['', 'wasm heap', 'process', 'heap / run', 'process / run']);
  show('one float run', run);
  const results = {};
  for (const method of observers) {
    const options = { mode: 'static', activations: { method }, samples: images };
    results[method] = await once('quantize', 'ocr_det', 1, options);
    show(method, results[method]);
  }
  return { images, run, results };
}

/** @param {number} images how many the streamed calibration has */
export async function measureQuantizeCost(images) {
  const dynamic = await measureDynamic();
  const calibrated = await measureStatic(32);
  return { dynamic, static: calibrated, streaming: await measureStreaming(images) };
}
