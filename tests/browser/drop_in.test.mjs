/** Programs written for onnxruntime-web, and transformers.js, on Octet in Chromium, against the same on onnxruntime. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { octet, projectDirectory } from '../js/package_under_test.mjs';
import { snippetCode, snippetInputs, snippetNames } from '../js/snippets.mjs';
import { answersOf, assertAnswersClose } from '../js/transformers_answers.mjs';
import { dtypes, taskNames } from '../js/transformers_tasks.mjs';
import { modelFiles, writeFiles } from '../models/transformers_folders.mjs';
import { openPackagePage } from './package_page.mjs';

const tests = fileURLToPath(new URL('..', import.meta.url));
const requireFromWeb = createRequire(new URL('../../web/package.json', import.meta.url));
const { build } = await import(pathToFileURL(requireFromWeb.resolve('esbuild')));

/** Runs in the page: a snippet, with its arrays as lists. */
async function runSnippet({ code, files, width, height }) {
  const load = async (url) => new Uint8Array(await (await fetch(url)).arrayBuffer());
  const [bytes, outside, weights] = await Promise.all(files.map(load));
  const { example } = await import(code);
  const inputs = { model: files[0], bytes, outside, weights, width, height };
  const { numbers, ...rest } = await example(inputs);
  return { ...rest, numbers: [...numbers] };
}

describe('snippets in Chromium', () => {
  const { bytes, outside, weights, width, height } = snippetInputs();
  let host;
  let run;
  before(async () => {
    host = await openPackagePage({ isolated: false });
    const files = Object.entries({ bytes, outside, weights }).map(([name, array]) =>
      host.publish(`/${name}`, array),
    );
    run = async (name, module) => {
      const code = host.publish(`/${name}.js`, Buffer.from(snippetCode(name, module)));
      await host.reload();
      return host.page.evaluate(runSnippet, { code, files, width, height });
    };
  });
  after(() => host?.close());

  for (const name of snippetNames)
    test(`${name} says what it says on onnxruntime-web`, async () => {
      const expected = await run(name, 'onnxruntime-web');
      assert.ok(expected.numbers.length > 0);
      assertAnswersClose(await run(name, '/octet/ort.js'), expected, 'fp32');
    });
});

/** Runs in the page: all tasks, with Octet in onnxruntime's global place or in the bundle's. */
async function runInPage({ isBundle }) {
  if (!isBundle) globalThis[Symbol.for('onnxruntime')] = await import('/octet/index.js');
  const script = isBundle ? '/octet/aliased.js' : '/transformers/transformers.web.js';
  const [transformers, { runTasks }] = await Promise.all([import(script), import('/tasks.js')]);
  // What the bundle finds under the name of onnxruntime-web has its devices: the default will do.
  const options = isBundle ? {} : { device: 'auto' };
  const answers = await runTasks(transformers, '/models/', options);
  const { versions } = transformers.env.backends.onnx;
  return { versions, answers };
}

/** transformers.js for the web, with the alias that users are told of. */
async function bundleWithAlias() {
  const { outputFiles } = await build({
    entryPoints: [
      path.join(tests, 'node_modules/@huggingface/transformers/dist/transformers.web.js'),
    ],
    alias: { 'onnxruntime-web': 'octet-web/ort' },
    nodePaths: [path.join(projectDirectory, 'node_modules')],
    bundle: true,
    format: 'esm',
    write: false,
    logLevel: 'error',
  });
  return outputFiles[0].contents;
}

async function answersOfOnnxruntime(files) {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'octet-transformers-'));
  try {
    writeFiles(files, directory);
    return (await answersOf('reference', directory)).answers;
  } finally {
    fs.rmSync(directory, { recursive: true });
  }
}

describe('transformers.js in Chromium', () => {
  let host;
  let expected;
  before(async () => {
    const files = await modelFiles(octet.quantize);
    expected = await answersOfOnnxruntime(files);
    host = await openPackagePage({ isolated: false });
    for (const [name, content] of files) host.publish(`/models/${name}`, Buffer.from(content));
    const tasks = fs.readFileSync(path.join(tests, 'js/transformers_tasks.mjs'));
    host.publish('/tasks.js', tasks);
    host.publish('/octet/aliased.js', await bundleWithAlias());
  });
  after(() => host?.close());

  const ways = { 'in onnxruntime’s global place': false, 'bundled under an alias': true };
  for (const [way, isBundle] of Object.entries(ways))
    test(`runs on Octet ${way}`, async () => {
      await host.reload();
      const { versions, answers } = await host.page.evaluate(runInPage, { isBundle });
      assert.equal(versions.octet, octet.env.versions.octet);
      assert.equal(Object.keys(answers).length, taskNames.length * dtypes.length);
      for (const dtype of dtypes)
        for (const task of taskNames) {
          const name = `${task}, ${dtype}`;
          assertAnswersClose(answers[name], expected[name], dtype);
        }
    });
});
