/** Mixed precision: every network of the benchmark at half its size and 30 dB, measured anew and in onnxruntime. */
import { sqnr } from '../js/closeness.mjs';
import { portableReference } from '../js/portable_reference.mjs';
import { candidate, exactReference, reference, runOnce } from '../js/sessions.mjs';
import { casesOf, network } from '../models/networks.mjs';
import { fileOf, octet, samplesOf } from './lab.mjs';

export const minSqnrDb = 30;
const sampleCount = 4;
export const mixedNets = [
  'mnist',
  'ocr_det',
  'ocr_rec',
  'ocr_cls',
  'melspectrogram',
  'wake_word_embedding',
  'mobilenet_v2',
  'resnet50',
  'encoder',
  'decoder',
  'lstm_classifier',
];

async function answersOf(library, model, steps) {
  const answers = [];
  for (const { feeds } of steps) answers.push(await runOnce(library, model, feeds));
  return answers;
}

/** Of the worst output over all steps. */
function worstSqnr(actual, expected) {
  const levels = Object.keys(expected[0]).map((name) =>
    sqnr(
      actual.map((outputs) => outputs[name]),
      expected.map((outputs) => outputs[name]),
    ),
  );
  return Math.min(...levels);
}

/**
 * Exact integer products come with an error in reading weights of int8 that only are stored so; in WebAssembly they are exact
 * without.
 */
function libraryFor(schemes) {
  if (!schemes.some((each) => /^int8(-dynamic)?$/.test(each))) return reference;
  return schemes.includes('int8-weights') ? portableReference : exactReference;
}

/** The model that the search finds, its report, its share of the float file, and its SQNR here and in onnxruntime. */
export async function halve(name) {
  const source = await fileOf(name);
  const steps = casesOf(network(name))[0].steps.slice(0, sampleCount);
  const target = { maxSizeBytes: source.length / 2, minSqnrDb };
  const calibration = await samplesOf(
    source,
    steps.map(({ feeds }) => ({ feeds })),
  );
  const { model, report } = await octet.quantize(source, { mode: 'mixed', target, calibration });
  const schemes = [...new Set(Object.values(report.search.assignment))];
  const expected = await answersOf(candidate(octet), source, steps);
  const answers = await answersOf(candidate(octet), model, steps);
  const theirLibrary = libraryFor(schemes);
  const theirAnswers = await answersOf(theirLibrary, model, steps);
  return {
    model,
    report,
    target,
    schemes,
    share: model.length / source.length,
    sqnrDb: worstSqnr(answers, expected),
    theirSqnrDb: worstSqnr(theirAnswers, expected),
    agreementDb: worstSqnr(answers, theirAnswers),
  };
}

export async function run(table) {
  const rows = [];
  table.header([
    'network',
    '% of the size',
    'SQNR, dB',
    'in onnxruntime',
    'models tried',
    'schemes',
  ]);
  for (const name of mixedNets) {
    const { report, schemes, share, sqnrDb, theirSqnrDb, agreementDb } = await halve(name);
    const { met, points } = report.search;
    rows.push({ name, met, share, sqnrDb, theirSqnrDb, agreementDb, schemes });
    table.row([
      name,
      (100 * share).toFixed(0),
      sqnrDb.toFixed(1),
      theirSqnrDb.toFixed(1),
      points.length,
      met ? schemes.join(', ') : 'target not met',
    ]);
  }
  return rows;
}
