/** What benchmarks do with a network, in Node as in a page. */
import { addThreads, openSession, sides } from './contenders.mjs';
import { measureInterleaved } from './measure.mjs';

/**
 * Opens a session for each of `contenders`, `{ key, side, precision }`, and lets them take turns on the same feeds, `seconds` in all.
 * `files` are the network's, by precision. `threads`: for the sides that have several.
 *
 * @returns by contender's key: `medianMs` of a run, and what creating the session and its first run took
 */
export async function hold({ contenders, files, feeds, seconds, threads }) {
  if (threads) await addThreads(threads);
  const open = {};
  for (const { key, side, precision } of contenders)
    open[key] = await openSession(side, files[precision], feeds);
  const each = (field) =>
    Object.fromEntries(Object.entries(open).map(([key, contender]) => [key, contender[field]]));
  const medianMs = await measureInterleaved(each('run'), seconds, threads > 1);
  for (const { release } of Object.values(open)) await release();
  return { medianMs, createMs: each('createMs'), firstRunMs: each('firstRunMs') };
}

/** Starts both engines, so that no session's time contains it. */
export async function warmUp({ files, feeds }) {
  for (const side of sides) await (await openSession(side, files.float, feeds)).release();
}
