/**
 * Writes the test models that have builders here: `node tests/models/build.mjs [DIRECTORY] [NAME…]`.
 * A model is built again when its sources have changed.
 */
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const sourceDirectory = path.dirname(fileURLToPath(import.meta.url));
export const modelDirectory = path.resolve(sourceDirectory, '../../build/models');
export const builtModels = [
  'mobilenet_v2',
  'resnet50',
  'encoder',
  'decoder',
  'lstm_classifier',
  'outlier_encoder',
  'tiny_steps',
];

/** Identifies the sources that a model is made of. */
function sourceDigest(model) {
  const hash = crypto.createHash('sha256');
  for (const name of [model, 'layers', 'onnx_builder', 'random']) {
    hash.update(fs.readFileSync(path.join(sourceDirectory, `${name}.mjs`)));
  }
  return hash.digest('hex');
}

const readIfPresent = (file) => (fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : undefined);

/** Writes a file so that others see it whole or not at all. */
function writeWhole(file, content) {
  const temporary = `${file}.${process.pid}`;
  fs.writeFileSync(temporary, content);
  fs.renameSync(temporary, file);
}

/** Builds a model unless it is there. Returns its path. */
export async function ensureModel(name, directory = modelDirectory) {
  if (!builtModels.includes(name)) {
    throw new Error(`no model ${name}; there are ${builtModels.join(', ')}`);
  }
  const file = path.join(directory, `${name}.onnx`);
  const stamp = path.join(directory, `${name}.sha256`);
  const digest = sourceDigest(name);
  if (fs.existsSync(file) && readIfPresent(stamp) === digest) return file;
  const { build } = await import(`./${name}.mjs`);
  fs.mkdirSync(directory, { recursive: true });
  writeWhole(file, build());
  writeWhole(stamp, digest);
  return file;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [directory = modelDirectory, ...names] = process.argv.slice(2);
  for (const name of names.length > 0 ? names : builtModels) {
    console.log(await ensureModel(name, path.resolve(directory)));
  }
}
