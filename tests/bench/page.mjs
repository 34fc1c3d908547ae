/** A page in Chromium in which networks are measured by the same code as in Node, cross-origin isolated. */
import { openPackagePage } from '../browser/package_page.mjs';

/** Runs in the page: calls a function of one of the benchmark's modules with what `match` describes. */
async function callInPage([module, name, match]) {
  const load = async (url) => (await fetch(url)).arrayBuffer();
  const files = {};
  for (const [key, url] of Object.entries(match.files))
    files[key] = new Uint8Array(await load(url));
  const feeds = {};
  for (const [key, { type, dims, array, url }] of Object.entries(match.feeds))
    feeds[key] = { type, dims, data: new globalThis[array](await load(url)) };
  return (await import(module))[name]({ ...match, files, feeds });
}

const mapValues = (object, change) =>
  Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value, key)]));

/** `hold` and `warmUp` are those of contest.mjs, `measureCeilings` that of ceiling.mjs, carried out in the page. */
export async function openPage() {
  const { page, publish, close } = await openPackagePage();
  const call = (name) => (match) => {
    const files = mapValues(match.files, (bytes, key) => publish(`/files/${key}`, bytes));
    const feeds = mapValues(match.feeds, ({ type, dims, data }, key) => {
      const url = publish(`/feeds/${encodeURIComponent(key)}`, data);
      return { type, dims, array: data.constructor.name, url };
    });
    const described = { ...match, files, feeds };
    return page.evaluate(callInPage, ['/tests/bench/contest.mjs', name, described]);
  };
  return {
    hold: call('hold'),
    warmUp: call('warmUp'),
    measureCeilings: () =>
      page.evaluate(async () => (await import('/tests/bench/ceiling.mjs')).measureCeilings()),
    close,
  };
}
