/** An empty page, to which the package, onnxruntime-web and transformers.js are served, in Chromium or another browser. */
import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { projectDirectory } from '../js/package_under_test.mjs';
import { launchChromium } from './chromium.mjs';
import { isolation, serve } from './serve.mjs';

const tests = fileURLToPath(new URL('..', import.meta.url));
const folders = {
  '/tests/bench/': path.join(tests, 'bench'),
  '/tests/browser/': path.join(tests, 'browser'),
  '/ort/': path.join(tests, 'node_modules/onnxruntime-web/dist'),
  '/common/': path.join(tests, 'node_modules/onnxruntime-common/dist/esm'),
  '/transformers/': path.join(tests, 'node_modules/@huggingface/transformers/dist'),
  '/octet/': path.join(projectDirectory, 'node_modules/octet-web/dist'),
};
const importMap = {
  imports: {
    'onnxruntime-web': '/ort/ort.wasm.bundle.min.mjs',
    'onnxruntime-web/webgpu': '/ort/ort.wasm.bundle.min.mjs',
    'onnxruntime-common': '/common/index.js',
  },
};

const document = `<!doctype html><title>package</title>
<script type="importmap">${JSON.stringify(importMap)}</script>`;

/** Milliseconds, after which what should come is taken never to come. */
const patience = 60_000;

/** Pages and modules that stand in no folder. */
const startPaths = () =>
  new Map([
    ['/', document],
    ['/index.html', document],
    [
      '/tests/js/package_under_test.mjs',
      `export * as octet from '/octet/index.js';
      export const importAgain = () => import('/octet/index.js?again');`,
    ],
  ]);

function contentOf(paths, url) {
  if (paths.has(url)) return paths.get(url);
  const folder = Object.keys(folders).find((prefix) => url.startsWith(prefix));
  const file = folder && path.join(folders[folder], path.basename(url));
  return file && fs.existsSync(file) ? fs.readFileSync(file) : undefined;
}

const bytesOf = ({ buffer, byteOffset, byteLength }) => Buffer.from(buffer, byteOffset, byteLength);

/**
 * Opens the page, cross-origin isolated or not. `publish(url, array)` serves an array's bytes at a path and returns the path;
 * `reload` gives the page a fresh start. `headers` are sent with every file; `asked` has the paths that were asked for, and
 * `whenAsked(path)` waits until one is: browsers load the scripts of workers aside, maybe later than what the page does.
 */
export async function openPackagePage({
  isolated = true,
  headers = {},
  launch = launchChromium,
} = {}) {
  const paths = startPaths();
  const asked = new Set();
  const requests = new EventEmitter();
  const answer = (url) => {
    asked.add(url);
    requests.emit(url);
    return contentOf(paths, url);
  };
  const server = await serve(answer, { ...(isolated && isolation), ...headers });
  const browser = await launch();
  const page = await browser.newPage();
  const reload = () => page.goto(`${server.origin}/index.html`);
  await reload();
  return {
    page,
    origin: server.origin,
    asked,
    async whenAsked(url) {
      if (asked.has(url)) return;
      const signal = AbortSignal.timeout(patience);
      await once(requests, url, { signal }).catch(() => assert.fail(`nobody asks for ${url}`));
    },
    reload,
    publish(url, array) {
      paths.set(url, bytesOf(array));
      return url;
    },
    async close() {
      await browser.close();
      await server.close();
    },
  };
}
