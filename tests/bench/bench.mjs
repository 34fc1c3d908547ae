/**
 * Octet beside onnxruntime-web on the same files and inputs, in one process, with one thread each unless told:
 *
 *   ./octet bench [NAME…] [--seconds N] [--json FILE]   networks whose name contains a NAME, N seconds each
 *   ./octet bench --browser …                           the same in Chromium
 *   ./octet bench --threads N …                         Octet on one thread and on N, onnxruntime-web on N (measure.mjs
 *                                                       tells what keeps their threads apart)
 *   ./octet bench --simd fixed|relaxed …                Octet's kernels in Node, instead of those it chooses by itself
 *   ./octet bench --reduce-range …                      INT8 files whose weights have 7 bits, for both libraries
 *   ./octet bench --layers [NAME…]                      single layers instead of networks
 *   ./octet bench --cold [NAME…]                        the first answer alone, each in a fresh process
 *   ./octet bench --quantize [--images N]               what quantizing costs: time, memory, and memory of a calibration
 *                                                       with N images, 300 unless told
 *   ./octet bench --cancel [--rounds N]                 how soon N aborts of each mode end it, 20 unless told
 *   ./octet bench --profile NAME                        where the time of one network goes, by operator and by step
 *
 * Every network runs in float and as the two INT8 files that Octet exports, in both libraries: quantized dynamically, and
 * statically (QDQ), calibrated with the input it is measured on. The last ratio compares the faster of Octet's INT8 files
 * with the fastest of onnxruntime-web's three.
 */
import fs from 'node:fs';
import { parseArgs } from 'node:util';
import { casesOf, network } from '../models/networks.mjs';
import { measureCancel } from './cancel.mjs';
import { measureCeilings } from './ceiling.mjs';
import { measureCold, printColdStart, printHeap } from './cold.mjs';
import { chooseKernels, octet } from './contenders.mjs';
import { hold, warmUp } from './contest.mjs';
import { measureLayers } from './layers.mjs';
import { openPage } from './page.mjs';
import { printProfile } from './profile.mjs';
import { measureQuantizeCost } from './quantize_cost.mjs';
import { geometricMean, printHeader, printRow, showMb, showMs, showRatio } from './table.mjs';
import { compareThreads } from './threads.mjs';

/** Names as in networks.mjs, and which of its cases is measured. */
const subjects = [
  { name: 'mnist', variant: 0 },
  { name: 'ocr_det', variant: 1 },
  { name: 'ocr_rec', variant: 0 },
  { name: 'ocr_cls', variant: 0 },
  { name: 'encoder', variant: 0 },
  { name: 'decoder', variant: 0 },
  { name: 'mobilenet_v2', variant: 0 },
  { name: 'resnet50', variant: 0 },
  { name: 'wake_word_embedding', variant: 0 },
  { name: 'melspectrogram', variant: 0 },
  { name: 'lstm_classifier', variant: 0 },
  { name: 'silero_vad_v5', variant: 0 },
  { name: 'tiny_steps', variant: 0 },
];

const contenders = [
  { key: 'octetFloat', side: 'octet', precision: 'float' },
  { key: 'ortFloat', side: 'ort', precision: 'float' },
  { key: 'octetInt8', side: 'octet', precision: 'int8' },
  { key: 'ortInt8', side: 'ort', precision: 'int8' },
  { key: 'octetQdq', side: 'octet', precision: 'qdq' },
  { key: 'ortQdq', side: 'ort', precision: 'qdq' },
];

/** Sizes of the symbols in the inputs' shapes, as these feeds have them. */
function symbolSizes(inputs, feeds) {
  const sizes = inputs.flatMap(({ name, shape }) =>
    (shape ?? []).map((dim, axis) => [dim, feeds[name].dims[axis]]),
  );
  return Object.fromEntries(sizes.filter(([dim]) => typeof dim === 'string' && dim !== ''));
}

async function countMacs(model, feeds) {
  const { inputs } = await octet.inspect(model);
  const { macs } = await octet.inspect(model, { freeDimensions: symbolSizes(inputs, feeds) });
  return macs;
}

/** A network's files and one input. */
async function loadSubject({ name, variant }, weights) {
  const subject = network(name);
  const float = new Uint8Array(fs.readFileSync(await subject.locate()));
  const { label, steps } = casesOf(subject)[variant];
  const { feeds } = steps[0];
  const start = performance.now();
  const { model: int8 } = await octet.quantize(float, { mode: 'dynamic', weights });
  const quantizeMs = performance.now() - start;
  const { model: qdq } = await octet.quantize(float, {
    mode: 'static',
    weights,
    calibration: [feeds],
  });
  return {
    name,
    variant,
    label: steps.length > 1 ? 'one step' : label,
    feeds,
    files: { float, int8, qdq },
    quantizeMs,
  };
}

const fastestInt8 = ({ octetInt8, octetQdq }) => Math.min(octetInt8, octetQdq);

async function measureSubject(arena, { name, label, feeds, files, quantizeMs }, seconds) {
  const times = await arena.hold({ contenders, files, feeds, seconds });
  const { medianMs } = times;
  return {
    name,
    label,
    macs: await countMacs(files.float, feeds),
    bytes: { float: files.float.length, int8: files.int8.length, qdq: files.qdq.length },
    quantizeMs,
    ...times,
    speedup: {
      float: medianMs.ortFloat / medianMs.octetFloat,
      int8: medianMs.ortInt8 / medianMs.octetInt8,
      qdq: medianMs.ortQdq / medianMs.octetQdq,
      bestInt8:
        Math.min(medianMs.ortFloat, medianMs.ortInt8, medianMs.ortQdq) / fastestInt8(medianMs),
    },
  };
}

/** Multiply-adds in 10⁹ per second, with the share of what the processor can do. */
function showRate(macs, ms, ceiling) {
  if (macs === null) return '–';
  const rate = macs / ms / 1e6;
  return `${rate.toFixed(1)} (${Math.round((100 * rate) / ceiling)} %)`;
}

const speedTitles = [
  'run, median ms',
  'octet float',
  'ort float',
  'ratio',
  'octet int8',
  'ort int8',
  'ratio',
  'octet QDQ',
  'ort QDQ',
  'ratio',
  'best int8 to ort’s best',
  'float GMAC/s',
  'int8 GMAC/s',
];

function printSpeed({ name, label, macs, medianMs, speedup }, ceilings) {
  printRow([
    `${name} ${label}`,
    showMs(medianMs.octetFloat),
    showMs(medianMs.ortFloat),
    showRatio(speedup.float),
    showMs(medianMs.octetInt8),
    showMs(medianMs.ortInt8),
    showRatio(speedup.int8),
    showMs(medianMs.octetQdq),
    showMs(medianMs.ortQdq),
    showRatio(speedup.qdq),
    showRatio(speedup.bestInt8),
    showRate(macs, medianMs.octetFloat, ceilings.float),
    showRate(macs, fastestInt8(medianMs), ceilings.int8),
  ]);
}

function printMeans(results) {
  const show = (kind) => showRatio(geometricMean(results.map(({ speedup }) => speedup[kind])));
  console.log(
    `\nGeometric means of the ratios: float ${show('float')}, best int8 ${show('bestInt8')}`,
  );
}

function printStart(results) {
  const pair = (createMs, firstRunMs) => `${showMs(createMs)} + ${showMs(firstRunMs)}`;
  console.log('\nSession creation + first run in ms, quantization in ms, file sizes in MB:\n');
  printHeader(['', ...contenders.map(({ key }) => key), 'quantize', 'float', 'int8', 'qdq']);
  for (const { name, createMs, firstRunMs, quantizeMs, bytes } of results) {
    printRow([
      name,
      ...contenders.map(({ key }) => pair(createMs[key], firstRunMs[key])),
      showMs(quantizeMs),
      showMb(bytes.float),
      showMb(bytes.int8),
      showMb(bytes.qdq),
    ]);
  }
}

function printCeilings({ float, int8, reading }) {
  console.log(
    `One thread of this machine in WebAssembly, registers only: ${float.toFixed(1)} GMAC/s in float, ` +
      `${int8.toFixed(1)} in dot products of integers; it reads ${reading.toFixed(1)} GB/s from memory.\n`,
  );
}

function writeJson(file, content) {
  if (file !== undefined) fs.writeFileSync(file, `${JSON.stringify(content, null, 2)}\n`);
}

/** Which kernels and which files are measured. */
function printTerms({ simd, weights }) {
  const bits = weights.reduceRange ? '7 bits (reduceRange)' : '8 bits';
  console.log(
    `Octet's kernels: ${simd === undefined ? 'its choice' : `${simd} SIMD`}. Both libraries run the same files; ` +
      `the weights of the INT8 ones, which Octet's quantizer makes, have ${bits}.\n`,
  );
}

async function compareAll(arena, chosen, { seconds, json, simd, weights }) {
  const ceilings = await arena.measureCeilings();
  printCeilings(ceilings);
  await arena.warmUp(await loadSubject(subjects[0], weights));
  printHeader(speedTitles);
  const results = [];
  for (const subject of chosen) {
    const loaded = await loadSubject(subject, weights);
    const result = await measureSubject(arena, loaded, seconds);
    printSpeed(result, ceilings);
    result.cold = await measureCold(loaded, 1, simd);
    results.push(result);
  }
  printMeans(results);
  printStart(results);
  printHeap(results);
  writeJson(json, { simd, weights, ceilings, results });
}

async function* loadAll(chosen, weights) {
  for (const subject of chosen) yield loadSubject(subject, weights);
}

async function compareInArena(arena, chosen, { threads, ...options }) {
  const { seconds, json, simd, weights } = options;
  printTerms(options);
  if (!threads) return compareAll(arena, chosen, options);
  const results = await compareThreads(arena, loadAll(chosen, weights), seconds, threads);
  writeJson(json, { simd, weights, threads, results });
}

async function compareCold(chosen, options) {
  const { json, simd, weights } = options;
  printTerms(options);
  const rounds = 5;
  const results = [];
  for (const subject of chosen)
    results.push({
      name: subject.name,
      cold: await measureCold(await loadSubject(subject, weights), rounds, simd),
    });
  printColdStart(results);
  printHeap(results);
  writeJson(json, { simd, weights, results });
}

function printLayer({ name, precision, macs, medianMs }, ceilings) {
  const ceiling = precision === 'float' ? ceilings.float : ceilings.int8;
  printRow([
    `${name} ${precision}`,
    showMs(medianMs.octet),
    showMs(medianMs.ort),
    showRatio(medianMs.ort / medianMs.octet),
    showRate(macs, medianMs.octet, ceiling),
    showRate(macs, medianMs.ort, ceiling),
  ]);
}

async function compareLayers(filters, { seconds, json }) {
  const ceilings = measureCeilings();
  printCeilings(ceilings);
  const titles = ['layer, median ms', 'octet', 'ort', 'ratio', 'octet GMAC/s', 'ort GMAC/s'];
  printHeader(titles);
  const layers = await measureLayers(filters, seconds, (result) => printLayer(result, ceilings));
  writeJson(json, { ceilings, layers });
}

function countOf(option, given) {
  const count = Number(given);
  if (!(Number.isInteger(count) && count > 0))
    throw new Error(`${option} ${given}: a whole number above 0 expected`);
  return count;
}

function readCommandLine() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      seconds: { type: 'string', default: '3' },
      json: { type: 'string' },
      profile: { type: 'string' },
      browser: { type: 'boolean' },
      layers: { type: 'boolean' },
      cold: { type: 'boolean' },
      quantize: { type: 'boolean' },
      images: { type: 'string', default: '300' },
      cancel: { type: 'boolean' },
      rounds: { type: 'string', default: '20' },
      threads: { type: 'string' },
      simd: { type: 'string' },
      'reduce-range': { type: 'boolean' },
    },
  });
  const { simd, browser, 'reduce-range': reduceRange = false } = values;
  if (![undefined, 'fixed', 'relaxed'].includes(simd))
    throw new Error(`--simd ${simd}: fixed or relaxed expected`);
  if (simd !== undefined && browser) throw new Error('--simd: Chromium has relaxed SIMD by itself');
  const seconds = Number(values.seconds);
  if (!(seconds > 0)) throw new Error(`--seconds ${values.seconds}: a positive number expected`);
  const threads = Number(values.threads ?? 0);
  if (!(Number.isInteger(threads) && (threads > 1 || values.threads === undefined)))
    throw new Error(`--threads ${values.threads}: a whole number above 1 expected`);
  if (values.layers) return { ...values, seconds, filters: positionals };
  const filters = values.profile === undefined ? positionals : [values.profile];
  const chosen = subjects.filter(
    ({ name }) => filters.length === 0 || filters.some((filter) => name.includes(filter)),
  );
  if (chosen.length === 0) {
    throw new Error(`no such network; there are ${subjects.map(({ name }) => name).join(', ')}`);
  }
  return { ...values, seconds, threads, chosen, weights: { reduceRange } };
}

async function main() {
  const { chosen, profile, browser, layers, cold, filters, ...options } = readCommandLine();
  const { quantize, images, cancel, rounds, json, simd, weights } = options;
  chooseKernels(simd);
  if (quantize) return writeJson(json, await measureQuantizeCost(countOf('--images', images)));
  if (cancel) return writeJson(json, await measureCancel(countOf('--rounds', rounds)));
  if (layers) return compareLayers(filters, options);
  if (cold) return compareCold(chosen, options);
  if (profile !== undefined) {
    for (const subject of chosen) await printProfile(await loadSubject(subject, weights));
    return;
  }
  if (!browser) return compareInArena({ hold, warmUp, measureCeilings }, chosen, options);
  const page = await openPage();
  try {
    await compareInArena(page, chosen, options);
  } finally {
    await page.close();
  }
}

try {
  await main();
} catch (error) {
  console.error(`bench: ${error.message}`);
  process.exitCode = 1;
}
