/** Static INT8 against float on real tasks, by every way to choose ranges. */
import { tasks } from './tasks.mjs';

export const rangeMethods = ['minmax', 'moving-average', 'percentile', 'entropy', 'mse'];

/** Points of a hundred that each task loses, and which methods lose no more than it may. */
export async function run(table) {
  const rows = [];
  table.header(['task', 'float', 'may lose', ...rangeMethods, 'held by']);
  for (const { name, title, most, open } of tasks) {
    const task = await open();
    const lost = {};
    for (const method of rangeMethods)
      lost[method] = await task.lost({ mode: 'static', activations: { method } });
    const heldBy = rangeMethods.filter((method) => lost[method] <= most);
    rows.push({ name, about: task.about, float: task.float, most, lost, heldBy });
    table.row([
      `${title} (${task.about})`,
      task.float === undefined ? '' : task.float.toFixed(2),
      most.toFixed(1),
      ...rangeMethods.map((method) => lost[method].toFixed(2)),
      heldBy.length === rangeMethods.length ? 'all' : heldBy.join(', ') || 'none',
    ]);
  }
  return rows;
}
