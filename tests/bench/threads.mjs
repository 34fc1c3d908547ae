/** Octet on one thread and on several, beside onnxruntime-web on as many. */
import { geometricMean, printHeader, printRow, showMs, showRatio } from './table.mjs';

const precisions = ['float', 'int8', 'qdq'];
const contenders = precisions.flatMap((precision) => [
  { key: `one ${precision}`, side: 'octet', precision },
  { key: `many ${precision}`, side: 'octetThreads', precision },
  { key: `ort ${precision}`, side: 'ort', precision },
]);

const fastest = (medianMs, who) =>
  Math.min(...precisions.map((precision) => medianMs[`${who} ${precision}`]));

function compare(medianMs) {
  const one = (precision) => medianMs[`one ${precision}`] / medianMs[`many ${precision}`];
  return {
    scaling: Object.fromEntries(precisions.map((precision) => [precision, one(precision)])),
    float: medianMs['ort float'] / medianMs['many float'],
    best: fastest(medianMs, 'ort') / Math.min(medianMs['many int8'], medianMs['many qdq']),
  };
}

/**
 * @param arena where networks are measured, as in contest.mjs
 * @param {AsyncIterable<object>} subjects networks with their files and feeds
 * @returns the medians and ratios by network
 */
export async function compareThreads(arena, subjects, seconds, threads) {
  const columns = precisions.flatMap((precision) => [
    `${precision}, 1 thread`,
    `${threads} threads`,
    'ratio',
    `ort, ${threads} threads`,
  ]);
  printHeader(['run, median ms', ...columns, 'float to ort', 'best int8 to ort’s best']);
  const results = [];
  for await (const { name, label, files, feeds } of subjects) {
    const { medianMs } = await arena.hold({ contenders, files, feeds, seconds, threads });
    const ratios = compare(medianMs);
    printRow([
      `${name} ${label}`,
      ...precisions.flatMap((precision) => [
        showMs(medianMs[`one ${precision}`]),
        showMs(medianMs[`many ${precision}`]),
        showRatio(ratios.scaling[precision]),
        showMs(medianMs[`ort ${precision}`]),
      ]),
      showRatio(ratios.float),
      showRatio(ratios.best),
    ]);
    results.push({ name, label, medianMs, ratios });
  }
  const mean = (kind) => showRatio(geometricMean(results.map(({ ratios }) => ratios[kind])));
  console.log(
    `\nGeometric means over onnxruntime-web on ${threads} threads: float ${mean('float')}, ` +
      `best int8 ${mean('best')}`,
  );
  return results;
}
