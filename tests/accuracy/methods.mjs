/** OCR recognition under every combination of granularity, ranges and correction. */
import { octet } from './lab.mjs';
import { openText } from './tasks.mjs';

const granularities = { 'per tensor': false, 'per channel': true };
const ranges = ['minmax', 'percentile', 'entropy', 'mse'];
const corrections = {
  none: {},
  equalize: { correct: { equalize: true } },
  'bias correction': { correct: { biasCorrection: true } },
  AdaRound: { method: 'adaround' },
};

const combinations = Object.keys(granularities).flatMap((granularity) =>
  ranges.flatMap((range) =>
    Object.keys(corrections).map((correction) => ({ granularity, range, correction })),
  ),
);

/** As one would ask for it; the samples come once, so that nothing is measured on the way. */
async function quantize({ source, samples }, { granularity, range, correction }) {
  const { correct, method } = corrections[correction];
  const { model } = await octet.quantize(source, {
    mode: 'static',
    weights: { perChannel: granularities[granularity], method },
    activations: { method: range },
    correct,
    calibration: samples.values(),
  });
  return model;
}

/** A row for each: how near its outputs are to float's, and the characters that it reads rightly. */
export async function run(table) {
  const task = await openText();
  table.note(`${task.about}, ${task.samples.length} others for calibration`);
  table.note(`float reads ${task.float.toFixed(2)} % rightly`);
  table.header(['weights', 'ranges', 'correction', 'output SQNR, dB', 'characters, %', 'lost']);
  const rows = [];
  for (const combination of combinations) {
    const { lost, sqnrDb } = await task.judge(await quantize(task, combination));
    rows.push({ ...combination, sqnrDb, accuracy: task.float - lost, lost });
    table.row([
      ...Object.values(combination),
      sqnrDb.toFixed(2),
      (task.float - lost).toFixed(2),
      lost.toFixed(2),
    ]);
  }
  return rows;
}
