/** What npm would publish: only what users need, the same bytes each time, with licences and where the modules come from. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const web = fileURLToPath(new URL('../../web', import.meta.url));
const esbuild = createRequire(path.join(web, 'package.json'))('esbuild');

function pack() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'octet-pack-'));
  try {
    const parameters = ['pack', web, '--json', '--pack-destination', folder];
    const [{ filename, files }] = JSON.parse(execFileSync('npm', parameters, { encoding: 'utf8' }));
    const bytes = fs.readFileSync(path.join(folder, filename));
    return { names: files.map((file) => file.path).sort(), bytes };
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}

const { names, bytes } = pack();
const inDist = (name) => fs.readFileSync(path.join(web, 'dist', name));

test('the tarball holds what users need and nothing else', () => {
  const scripts = ['backend', 'cache', 'cli', 'cli.images', 'index', 'ort'];
  const parts = ['octet-mt', 'octet.proxy', 'octet.thread'];
  const modules = ['octet', 'octet.relaxed', 'octet-mt', 'octet-mt.relaxed'];
  const guides = fs.readdirSync(path.join(web, 'guides'));
  const wanted = [
    ...['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json', 'report.schema.json'],
    ...guides.map((name) => `guides/${name}`),
    ...['dist/NOTICES.txt', 'dist/provenance.json'],
    ...[...scripts, ...parts].map((name) => `dist/${name}.js`),
    ...modules.map((name) => `dist/${name}.wasm`),
  ];
  const rest = names.filter((name) => !name.endsWith('.d.ts'));
  assert.deepEqual(rest, wanted.sort());
});

test('packing again gives the same bytes', () => {
  assert.ok(bytes.equals(pack().bytes));
});

/** Packages out of which esbuild takes code for the command line. */
function bundledPackages() {
  const options = { bundle: true, write: false, metafile: true, format: 'esm', platform: 'node' };
  const { metafile } = esbuild.buildSync({
    ...options,
    absWorkingDir: web,
    entryPoints: ['cli/main.ts', 'cli/images.ts'],
    outdir: 'dist',
    external: ['./index.js', './cli.images.js'],
    loader: { '.wasm': 'binary' },
  });
  const names = Object.keys(metafile.inputs).map(
    (file) => /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1],
  );
  const found = [...new Set(names.filter(Boolean))];
  assert.ok(found.includes('pngjs'), found.join());
  return found;
}

test('the licences of what is compiled in are there', () => {
  const notices = inDist('NOTICES.txt').toString();
  const engine = ['protozero', 'musl', 'Emscripten', 'libc++', 'onnxruntime-common'];
  for (const name of [...engine, '@noble/hashes', ...bundledPackages()])
    assert.ok(notices.includes(name), name);
  for (const text of [
    'Redistribution and use in source and binary forms',
    'Permission is hereby granted',
  ])
    assert.ok(notices.includes(text), text);
});

test('the modules are those that the record of the build names', () => {
  const { command, emscripten, clang, sha256 } = JSON.parse(inDist('provenance.json'));
  assert.equal(command, './octet build');
  for (const version of [emscripten, clang]) assert.match(version, /^\d+\.\d+/);
  const modules = names.filter((name) => name.endsWith('.wasm')).map((name) => path.basename(name));
  assert.deepEqual(Object.keys(sha256).sort(), modules.sort());
  for (const name of modules)
    assert.equal(sha256[name], createHash('sha256').update(inDist(name)).digest('hex'), name);
});

/** What an application that imports these from the package downloads of its scripts. */
function bundleOf(imported) {
  const { outputFiles } = esbuild.buildSync({
    stdin: {
      contents: `import { ${imported} } from './index.js'; console.log(${imported});`,
      resolveDir: path.join(web, 'dist'),
    },
    bundle: true,
    write: false,
    minify: true,
    format: 'esm',
    external: ['node:*', './octet-mt.js'],
  });
  return outputFiles[0].text;
}

test('an application that only infers gets none of what quantizes', () => {
  const [few, more] = [bundleOf('InferenceSession'), bundleOf('InferenceSession, quantize')];
  const refusal = 'options with a mode expected';
  assert.ok(!few.includes(refusal) && more.includes(refusal));
  assert.ok(more.length - few.length > 10_000, `${few.length} of ${more.length} bytes`);
});
