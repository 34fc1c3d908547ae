/** The examples of web/examples, built from the package as npm installs it and opened from a plain server. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { projectDirectory } from '../js/package_under_test.mjs';
import { launchChromium } from './chromium.mjs';
import { isolation, serve } from './serve.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const examples = path.join(root, 'web/examples');
const model = fs.readFileSync(path.join(root, 'tests/fixtures/mnist_cnn.onnx'));
/** Where the built page of each is. */
const pages = {
  script: 'script',
  vite: 'vite',
  webpack: 'webpack',
  esbuild: 'esbuild',
  rollup: 'rollup',
  server: 'server/page',
};
let project, built, browser, expected;

/** A copy of the examples, with the bundlers and the packed package where theirs would be. */
function makeProject() {
  fs.mkdirSync(path.join(root, 'build'), { recursive: true });
  const folder = fs.mkdtempSync(path.join(root, 'build/examples-'));
  const isSource = (file) => !file.startsWith(path.join(examples, 'node_modules'));
  fs.cpSync(examples, folder, { recursive: true, filter: isSource });
  fs.mkdirSync(path.join(folder, 'node_modules'));
  for (const name of fs.readdirSync(path.join(examples, 'node_modules')))
    if (name !== 'octet-web' && !name.startsWith('.'))
      fs.symlinkSync(
        path.join(examples, 'node_modules', name),
        path.join(folder, 'node_modules', name),
      );
  fs.symlinkSync(
    path.join(projectDirectory, 'node_modules/octet-web'),
    path.join(folder, 'node_modules/octet-web'),
  );
  return folder;
}

before(async () => {
  project = makeProject();
  built = path.join(project, 'out');
  await promisify(execFile)(process.execPath, [path.join(project, 'build.mjs'), built]);
  const { readDigits } = await import(pathToFileURL(path.join(project, 'app/digits.js')));
  expected = await readDigits(model);
  browser = await launchChromium();
});

after(async () => {
  await browser?.close();
  fs.rmSync(project, { recursive: true, force: true });
});

/** What the page answers; it must not complain. Where it is to have a worker, the worker must start. */
async function open(folder, headers, { hasWorker, query }) {
  const contentOf = (place) => {
    if (place === '/model.onnx') return model;
    const file = path.join(folder, place);
    return fs.existsSync(file) ? fs.readFileSync(file) : undefined;
  };
  const server = await serve(contentOf, headers);
  const page = await browser.newPage();
  const complaints = [];
  const worker = hasWorker ? page.waitForEvent('worker', { timeout: 60_000 }) : undefined;
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('response', (response) => {
    if (response.status() >= 400 && !response.url().endsWith('favicon.ico'))
      complaints.push(`${response.status()} ${response.url()}`);
  });
  try {
    await page.goto(`${server.origin}/index.html${query}`);
    const output = page.locator('output:not(:empty)');
    const text = await output.textContent({ timeout: 60_000 });
    assert.match(text, /^\{/);
    await worker;
    assert.deepEqual(complaints, []);
    return JSON.parse(text);
  } finally {
    await page.close();
    await server.close();
  }
}

for (const [name, folder] of Object.entries(pages)) {
  test(`${name}: on one thread, on two, and in a worker`, async () => {
    for (const [headers, threads, query] of [
      [{}, 1, ''],
      [isolation, 2, ''],
      [{}, 1, '?proxy'],
      [isolation, 2, '?proxy'],
    ]) {
      const hasWorker = threads > 1 || query !== '';
      const answer = await open(path.join(built, folder), headers, { hasWorker, query });
      assert.deepEqual(answer.probabilities, expected.probabilities);
      assert.equal(answer.bytesAfter, expected.bytesAfter);
      assert.equal(answer.threads, threads);
      assert.equal(answer.simd, 'relaxed');
    }
  });
}

test('a server that renders the page can read digits too', async () => {
  const { render, readDigits } = await import(
    pathToFileURL(path.join(built, 'server/server/render.mjs'))
  );
  assert.match(render(), /<output>/);
  assert.deepEqual((await readDigits(model)).probabilities, expected.probabilities);
});
