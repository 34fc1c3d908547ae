/** Importing the package is all but free: no network, no WebAssembly, no workers, and a few milliseconds. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { projectDirectory } from './package_under_test.mjs';

/**
 * How many times what reading the code takes its evaluation may: 5 ms on a machine that reads it in 2.5. A process times both, so
 * the speed of the machine cancels out.
 */
const mostOfReading = 2;
const processes = 9;
/** Of which one is enough: the processor's caches are shared with what else the machine does. */
const attempts = 10;

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'octet-import-'));
after(() => fs.rmSync(folder, { recursive: true }));
const child = fileURLToPath(new URL('import_child.mjs', import.meta.url));
const { resolve } = createRequire(path.join(projectDirectory, 'package.json'));
const packageFolder = path.join(projectDirectory, 'node_modules/octet-web');
const href = (file) => pathToFileURL(file).href;

/** The texts of a module and of those that it imports from its own folder. */
function textsOf(file) {
  const text = fs.readFileSync(file, 'utf8');
  const inner = [...text.matchAll(/from ?"(\.\/[^"]+)"/g)].map(([, name]) =>
    textsOf(path.join(path.dirname(file), name)),
  );
  return [text, ...inner.flat()];
}

/** A module that engines read as they read this one, but in which nothing is evaluated. */
function unevaluated(file) {
  const functions = textsOf(file).map((text, i) => {
    const body = text
      .replace(/^#!.*/, '')
      .replace(/\bexport ?\{[^}]*\}( ?from ?"[^"]*")?;?/g, '')
      .replace(/\bexport ?\*[^;]*;/g, '')
      .replace(/\bimport ?([\w$]+,? ?)?(\{[^}]*\}|\* ?as [\w$]+)? ?(from ?)?"[^"]*";?/g, '')
      .replaceAll('import.meta', 'globalThis');
    return `export async function unused${i}() {${body}\n}`;
  });
  return functions.join('\n');
}

function median(values) {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}

/** Scripts that the package offers, each under the first of its names. */
const { exports } = JSON.parse(fs.readFileSync(path.join(packageFolder, 'package.json')));
const scripts = new Map();
for (const [name, { default: file }] of Object.entries(exports))
  if (file && !scripts.has(file)) scripts.set(file, `octet-web${name.slice(1)}`);

/** What they are imported beside. */
const others = { 'octet-web/backend': ['onnxruntime-common'] };

for (const name of scripts.values())
  test(`${name} is evaluated in at most ${mostOfReading} times what reading it takes, and starts nothing`, (t) => {
    const file = resolve(name);
    const nothing = path.join(folder, `${path.basename(name)}.mjs`);
    fs.writeFileSync(nothing, unevaluated(file));
    const beside = (others[name] ?? []).map((other) => resolve(other).replace('/cjs/', '/esm/'));
    const modules = [file, nothing, ...beside].map(href);
    const measure = () => JSON.parse(execFileSync(process.execPath, [child, ...modules]));
    const ratioOf = ({ reading, evaluating }) => evaluating / reading;
    let best = Infinity;
    for (let i = 0; i < attempts && best > mostOfReading; ++i) {
      const times = Array.from({ length: processes }, measure);
      best = Math.min(best, median(times.map(ratioOf)));
      const milliseconds = (key) => median(times.map((time) => time[key])).toFixed(2);
      t.diagnostic(
        `evaluation ${milliseconds('evaluating')} ms, reading ${milliseconds('reading')}`,
      );
    }
    assert.ok(best <= mostOfReading, `${best} times what reading takes`);
  });

test('what reaches out when it is imported is caught', () => {
  const culprits = {
    fetch: "fetch('http://127.0.0.1:1/')",
    compile: 'WebAssembly.compile(new Uint8Array(8))',
    Worker: "import('node:worker_threads').then(({ Worker }) => new Worker('', { eval: true }))",
  };
  for (const [name, code] of Object.entries(culprits)) {
    const file = path.join(folder, `${name}.mjs`);
    fs.writeFileSync(file, code);
    const { status, stderr } = spawnSync(
      process.execPath,
      [child, href(file), 'data:text/javascript,0'],
      {
        encoding: 'utf8',
      },
    );
    assert.equal(status, 1);
    assert.match(stderr, new RegExp(`importing called ${name}`));
  }
});
