/** Where the time of a network goes in Octet, by operator and in the slowest steps, and how fast each works. */
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
  const none = { count: 0, milliseconds: 0, macs: 0, bytes: 0 };
  for (const { opType, milliseconds, macs, bytes } of steps) {
    const sum = sums.get(opType) ?? none;
    sums.set(opType, {
      count: sum.count + 1,
      milliseconds: sum.milliseconds + milliseconds,
      macs: sum.macs + macs,
      bytes: sum.bytes + bytes,
    });
  }
  return [...sums].sort(([, a], [, b]) => b.milliseconds - a.milliseconds);
}

const showRate = (amount, ms, unit) =>
  `${(amount / ms / 1e6).toFixed(1).padStart(7)} ${unit.padEnd(6)}`;

const slowest = (steps) => [...steps].sort((a, b) => b.milliseconds - a.milliseconds);

/** Prints both precisions of a network. */
export async function printProfile({ name, label, feeds, files }) {
  for (const [precision, model] of Object.entries(files)) {
    const steps = await profileSteps(model, feeds);
    const total = steps.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
    const show = ({ milliseconds, macs, bytes }) =>
      [
        `${milliseconds.toFixed(3).padStart(9)} ms`,
        `${((100 * milliseconds) / total).toFixed(1).padStart(5)} %`,
        macs > 0 ? showRate(macs, milliseconds, 'GMAC/s') : showRate(bytes, milliseconds, 'GB/s'),
      ].join('');
    console.log(`\n${name} ${label}, ${precision}: ${steps.length} steps, ${total.toFixed(2)} ms`);
    for (const [opType, sum] of sumByOperator(steps)) {
      console.log(`  ${show(sum)}  ${opType} × ${sum.count}`);
    }
    console.log('  the slowest steps:');
    for (const step of slowest(steps).slice(0, shownSteps)) {
      console.log(`  ${show(step)}  ${step.opType} ${step.shape?.join('×') ?? '?'} '${step.node}'`);
    }
  }
}
