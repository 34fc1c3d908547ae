/** Where the time of a network goes in Octet: by operator, and the slowest steps. */
import { openSession } from './contenders.mjs';
import { median, warmUp } from './measure.mjs';

const runCount = 21;
const shownSteps = 12;

/** Median time of every step over some runs. */
async function profileSteps(model, feeds) {
  const { session, run, release } = await openSession('octet', model, feeds, {
    enableProfiling: true,
  });
  await warmUp(run);
  const runs = [];
  for (let i = 0; i < runCount; ++i) {
    await run();
    runs.push(session.profile);
  }
  await release();
  return runs[0].map((step, i) => ({
    ...step,
    milliseconds: median(runs.map((steps) => steps[i].milliseconds)),
  }));
}

function sumByOperator(steps) {
  const sums = new Map();
  for (const { opType, milliseconds } of steps) {
    const sum = sums.get(opType) ?? { count: 0, milliseconds: 0 };
    sums.set(opType, { count: sum.count + 1, milliseconds: sum.milliseconds + milliseconds });
  }
  return [...sums].sort(([, a], [, b]) => b.milliseconds - a.milliseconds);
}

const slowest = (steps) => [...steps].sort((a, b) => b.milliseconds - a.milliseconds);

/** Prints both precisions of a network. */
export async function printProfile({ name, label, feeds, files }) {
  for (const [precision, model] of Object.entries(files)) {
    const steps = await profileSteps(model, feeds);
    const total = steps.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
    const show = (ms) =>
      `${ms.toFixed(3).padStart(9)} ms ${((100 * ms) / total).toFixed(1).padStart(5)} %`;
    console.log(`\n${name} ${label}, ${precision}: ${steps.length} steps, ${total.toFixed(2)} ms`);
    for (const [opType, { count, milliseconds }] of sumByOperator(steps)) {
      console.log(`  ${show(milliseconds)}  ${opType} × ${count}`);
    }
    console.log('  the slowest steps:');
    for (const { node, opType, milliseconds } of slowest(steps).slice(0, shownSteps)) {
      console.log(`  ${show(milliseconds)}  ${opType} '${node}'`);
    }
  }
}
