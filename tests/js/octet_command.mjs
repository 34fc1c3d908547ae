/** The package's command in a folder of its own, and models to give it. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after } from 'node:test';
import { GraphBuilder, encodeModel } from '../models/onnx_builder.mjs';
import { projectDirectory } from './package_under_test.mjs';

export const command = path.join(projectDirectory, 'node_modules/.bin/octet');
export const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'octet-command-'));
after(() => fs.rmSync(folder, { recursive: true }));
export const inFolder = (...names) => path.join(folder, ...names);

/** Writes a file; returns its place. */
export function write(name, bytes) {
  fs.mkdirSync(path.dirname(inFolder(name)), { recursive: true });
  fs.writeFileSync(inFolder(name), bytes);
  return inFolder(name);
}

export function octet(parameters, { input, env } = {}) {
  const options = { input, cwd: folder, env: { ...process.env, ...env } };
  const { status, stdout, stderr } = spawnSync(command, parameters, options);
  return { status, stdout, stderr: stderr.toString() };
}

/** What a command prints that has to succeed. */
export function succeed(parameters, options) {
  const { status, stdout, stderr } = octet(parameters, options);
  assert.equal(status, 0, stderr);
  return stdout;
}

/** A model that returns what it is fed with. */
export function identity(name, ...inputs) {
  const graph = new GraphBuilder(name);
  for (const [input, type, shape] of inputs) {
    graph.input(input, type, shape);
    graph.output(graph.add('Identity', [input], {}, [`${input}_out`]), type, shape);
  }
  return write(`${name}.onnx`, encodeModel(graph));
}

/** What such a model returns, by the names of its inputs. */
export function fed(model, ...flags) {
  const results = JSON.parse(succeed(['run', model, ...flags, '--json']));
  return Object.fromEntries(
    Object.entries(results).map(([name, value]) => [name.replace(/_out$/, ''), value]),
  );
}
