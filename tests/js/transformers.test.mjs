/**
 * transformers.js as it is published, on Octet and on onnxruntime, each in a process of its own, with small models in the layout of
 * its folders: the same texts, and numbers as near as the type of the weights allows.
 */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { modelFiles, writeFiles } from '../models/transformers_folders.mjs';
import { answersOf, assertAnswersClose } from './transformers_answers.mjs';
import { octet, projectDirectory } from './package_under_test.mjs';
import { dtypes, taskNames } from './transformers_tasks.mjs';

const temporary = fs.mkdtempSync(path.join(os.tmpdir(), 'octet-transformers-'));
after(() => fs.rmSync(temporary, { recursive: true }));
const folders = path.join(temporary, 'models');

/** A project whose package.json overrides onnxruntime-node by octet-web: where transformers.js is in it. */
function projectWithOverride() {
  const modules = path.join(temporary, 'project/node_modules');
  fs.mkdirSync(modules, { recursive: true });
  const installed = fileURLToPath(new URL('../node_modules', import.meta.url));
  for (const name of fs.readdirSync(installed).filter((one) => !one.startsWith('.')))
    if (name !== 'onnxruntime-node')
      fs.symlinkSync(path.join(installed, name), path.join(modules, name));
  const own = path.join(projectDirectory, 'node_modules/octet-web');
  fs.symlinkSync(own, path.join(modules, 'onnxruntime-node'));
  return path.join(modules, '@huggingface/transformers/dist/transformers.node.mjs');
}

describe('transformers.js', () => {
  let reference;
  let inGlobalPlace;
  let asPackage;
  before(async () => {
    writeFiles(await modelFiles(octet.quantize), folders);
    const environment = { TRANSFORMERS: pathToFileURL(projectWithOverride()).href };
    const flags = ['--preserve-symlinks'];
    [reference, inGlobalPlace, asPackage] = await Promise.all([
      answersOf('reference', folders),
      answersOf('symbol', folders),
      answersOf('package', folders, { flags, environment }),
    ]);
  });

  for (const task of taskNames)
    for (const dtype of dtypes)
      test(`${task}, ${dtype}`, () => {
        const name = `${task}, ${dtype}`;
        assertAnswersClose(inGlobalPlace.answers[name], reference.answers[name], dtype);
      });

  test('generates as many tokens as it was asked for', () => {
    const { tokens } = inGlobalPlace.answers['text-generation with GroupQueryAttention, fp32'];
    assert.equal(tokens, 25);
  });

  test('runs with octet-web in the place of onnxruntime-node just so', () => {
    assert.deepEqual(asPackage, inGlobalPlace);
  });

  test('ran on what it was compared with', () => {
    const { common, ...own } = reference.versions;
    assert.deepEqual(own, { node: '1.30.0' });
    assert.deepEqual(inGlobalPlace.versions, { common, octet: octet.env.versions.octet });
  });
});
