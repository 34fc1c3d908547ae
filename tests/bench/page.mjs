/** A page in Chromium in which networks are measured by the same code as in Node, cross-origin isolated. */
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { launchChromium } from '../browser/chromium.mjs';
import { projectDirectory } from '../js/package_under_test.mjs';

const tests = fileURLToPath(new URL('..', import.meta.url));
const folders = {
  '/tests/bench/': path.join(tests, 'bench'),
  '/ort/': path.join(tests, 'node_modules/onnxruntime-web/dist'),
  '/octet/': path.join(projectDirectory, 'node_modules/octet-web/dist'),
};
const mediaTypes = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
};

const document = `<!doctype html><title>bench</title>
<script type="importmap">{"imports": {"onnxruntime-web": "/ort/ort.wasm.bundle.min.mjs"}}</script>`;

/** Pages and modules that stand in no folder; networks and feeds join them while they are measured. */
const startPaths = () =>
  new Map([
    ['/index.html', document],
    ['/tests/js/package_under_test.mjs', "export * as octet from '/octet/index.js';"],
  ]);

function contentOf(paths, url) {
  if (paths.has(url)) return paths.get(url);
  const folder = Object.keys(folders).find((prefix) => url.startsWith(prefix));
  const file = folder && path.join(folders[folder], path.basename(url));
  return file && fs.existsSync(file) ? fs.readFileSync(file) : undefined;
}

async function serve(paths) {
  const server = http.createServer(({ url }, response) => {
    const content = contentOf(paths, url);
    response.writeHead(content === undefined ? 404 : 200, {
      'content-type': mediaTypes[path.extname(url)] ?? 'application/octet-stream',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-embedder-policy': 'require-corp',
    });
    response.end(content);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

const bytesOf = ({ buffer, byteOffset, byteLength }) => Buffer.from(buffer, byteOffset, byteLength);

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

/** Chromium with an empty page; `hold` and `warmUp` are those of contest.mjs, `measureCeilings` that of ceiling.mjs, carried out there. */
export async function openPage() {
  const paths = startPaths();
  const server = await serve(paths);
  const browser = await launchChromium();
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${server.address().port}/index.html`);

  function publish(url, content) {
    paths.set(url, bytesOf(content));
    return url;
  }
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
    async close() {
      await browser.close();
      server.close();
    },
  };
}
