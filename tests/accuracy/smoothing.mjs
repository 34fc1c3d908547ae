/** What SmoothQuant does for the 6-layer encoder, on sentences other than those of the calibration. */
import { fileOf, octet, outputSqnr, runAll, samplesOf } from './lab.mjs';
import { sentences } from './weight_only.mjs';

const strengths = [undefined, 0.25, 0.5, 0.75];
const granularities = { 'per channel': true, 'per tensor': false };

export async function run(table) {
  const float = await fileOf('encoder');
  const unseen = sentences(4, 'smoothing unseen');
  const calibration = await samplesOf(float, sentences(8, 'smoothing'));
  const answers = await runAll(float, unseen);
  const rows = [];
  table.header(['weights', 'α', 'output SQNR, dB']);
  for (const [granularity, perChannel] of Object.entries(granularities)) {
    for (const smoothQuant of strengths) {
      const { model } = await octet.quantize(float, {
        mode: 'static',
        weights: { perChannel },
        calibration,
        correct: smoothQuant === undefined ? {} : { smoothQuant },
      });
      const sqnrDb = await outputSqnr(model, unseen, answers);
      rows.push({ granularity, smoothQuant, sqnrDb });
      table.row([granularity, smoothQuant ?? 'none', sqnrDb.toFixed(2)]);
    }
  }
  return rows;
}
