/** What quantizing costs: time and memory, each measured in a fresh process by quantize_once.mjs. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { entry } from '../js/package_under_test.mjs';
import { network } from '../models/networks.mjs';
import { printHeader, printRow, showMb, showMs } from './table.mjs';

const script = fileURLToPath(new URL('quantize_once.mjs', import.meta.url));
const observers = ['minmax', 'moving-average', 'percentile', 'entropy', 'mse'];

async function once(what, name, variant, options = {}) {
  await network(name).locate(); // the first time makes the file, which takes memory
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

/**
 * What runs of the float model are of a static quantization: the time that plain `session.run` of the samples takes meanwhile, over
 * the time of `quantize`; and the time that as many take as it makes in all. Without the report's measurements, which are runs of
 * both models, and with them.
 */
async function measureStatic(samples) {
  const found = await once('share', 'resnet50', 0, { mode: 'static', samples });
  console.log(`resnet50, static with ${samples} samples, beside as many runs of the float model:`);
  for (const [what, key] of [
    ['without measuring for the report', 'unmeasured'],
    ['with the default options', 'whole'],
  ]) {
    const { runs, made } = found[key];
    const all = made.floatRuns / samples;
    console.log(
      `  ${what}: ${showMs(made.cpuMs)} ms of processor time (${showMs(made.clockMs)} by the clock), the runs ` +
        `${showMs(runs.cpuMs)} (${showMs(runs.clockMs)}): a share of ` +
        `${percent(runs.cpuMs, made.cpuMs)} (${percent(runs.clockMs, made.clockMs)}); all its ${made.floatRuns} runs of the float ` +
        `model: ${percent(all * runs.cpuMs, made.cpuMs)} (${percent(all * runs.clockMs, made.clockMs)})`,
    );
  }
  return { samples, ...found };
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
