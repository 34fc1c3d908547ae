/** First answers in fresh processes: how long they take from the import on, and the heap that they need. */
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { entry } from '../js/package_under_test.mjs';
import { median } from './measure.mjs';
import { printHeader, printRow, showMb, showMs, showRatio } from './table.mjs';

const script = fileURLToPath(new URL('first_answer.mjs', import.meta.url));
const entries = { octet: entry.href, ort: import.meta.resolve('onnxruntime-web') };
const precisions = ['float', 'int8'];

async function answerOnce(side, file, { name, variant }, simd) {
  const kernels = side === 'octet' && simd !== undefined ? [simd] : [];
  const parameters = [script, entries[side], file, name, String(variant), ...kernels];
  const { stdout } = await promisify(execFile)(process.execPath, parameters);
  return JSON.parse(stdout);
}

/** Medians of each figure, and of the time in all. */
function summarize(answers) {
  const figure = (of) => median(answers.map(of));
  return {
    importMs: figure(({ importMs }) => importMs),
    createMs: figure(({ createMs }) => createMs),
    firstRunMs: figure(({ firstRunMs }) => firstRunMs),
    totalMs: figure(({ importMs, createMs, firstRunMs }) => importMs + createMs + firstRunMs),
    heapBytes: figure(({ heapBytes }) => heapBytes),
  };
}

async function measureInTurns(subject, folder, rounds, simd) {
  const result = {};
  for (const precision of precisions) {
    const file = path.join(folder, `${precision}.onnx`);
    fs.writeFileSync(file, subject.files[precision]);
    const answers = { octet: [], ort: [] };
    for (let round = 0; round < rounds; ++round) {
      for (const side of Object.keys(answers))
        answers[side].push(await answerOnce(side, file, subject, simd));
    }
    result[precision] = { octet: summarize(answers.octet), ort: summarize(answers.ort) };
  }
  return result;
}

/** Of each precision and library, the medians of as many first answers, taken in turns. `simd`: see chooseKernels. */
export async function measureCold(subject, rounds, simd) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'octet-bench-'));
  try {
    return await measureInTurns(subject, folder, rounds, simd);
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}

const titlesOf = (what) => [
  what,
  ...precisions.flatMap((precision) => [`octet ${precision}`, `ort ${precision}`, 'ratio']),
];

function printCold(title, results, cellsOf) {
  console.log();
  printHeader(titlesOf(title));
  for (const { name, cold } of results)
    printRow([name, ...precisions.flatMap((precision) => cellsOf(cold[precision]))]);
}

export const printColdStart = (results) =>
  printCold('import + creation + first run, median ms', results, ({ octet, ort }) => [
    ...[octet, ort].map(({ importMs, createMs, firstRunMs }) =>
      [importMs, createMs, firstRunMs].map(showMs).join(' + '),
    ),
    showRatio(ort.totalMs / octet.totalMs),
  ]);

export const printHeap = (results) =>
  printCold('peak wasm heap, MB', results, ({ octet, ort }) => [
    showMb(octet.heapBytes),
    showMb(ort.heapBytes),
    showRatio(ort.heapBytes / octet.heapBytes),
  ]);
