/** An empty page in Chromium, to which the package and onnxruntime-web are served. */
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { projectDirectory } from '../js/package_under_test.mjs';
import { launchChromium } from './chromium.mjs';

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
const isolation = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
};

const document = `<!doctype html><title>package</title>
<script type="importmap">{"imports": {"onnxruntime-web": "/ort/ort.wasm.bundle.min.mjs"}}</script>`;

/** Pages and modules that stand in no folder. */
const startPaths = () =>
  new Map([
    ['/index.html', document],
    [
      '/tests/js/package_under_test.mjs',
      `export * as octet from '/octet/index.js';
      export const importAgain = () => import('/octet/index.js?again');`,
    ],
  ]);

function contentOf(paths, address) {
  const url = address.split('?')[0];
  if (paths.has(url)) return paths.get(url);
  const folder = Object.keys(folders).find((prefix) => url.startsWith(prefix));
  const file = folder && path.join(folders[folder], path.basename(url));
  return file && fs.existsSync(file) ? fs.readFileSync(file) : undefined;
}

async function serve(paths, headers) {
  const server = http.createServer(({ url }, response) => {
    const content = contentOf(paths, url);
    response.writeHead(content === undefined ? 404 : 200, {
      'content-type': mediaTypes[path.extname(url)] ?? 'application/octet-stream',
      ...headers,
    });
    response.end(content);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

const bytesOf = ({ buffer, byteOffset, byteLength }) => Buffer.from(buffer, byteOffset, byteLength);

/**
 * Opens the page, cross-origin isolated or not. `publish(url, array)` serves an array's bytes at a path and returns the path;
 * `reload` gives the page a fresh start.
 */
export async function openPackagePage({ isolated = true } = {}) {
  const paths = startPaths();
  const server = await serve(paths, isolated ? isolation : {});
  const browser = await launchChromium();
  const page = await browser.newPage();
  const reload = () => page.goto(`http://127.0.0.1:${server.address().port}/index.html`);
  await reload();
  return {
    page,
    reload,
    publish(url, array) {
      paths.set(url, bytesOf(array));
      return url;
    },
    async close() {
      await browser.close();
      server.close();
    },
  };
}
