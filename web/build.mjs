// Builds dist/: bundles, type declarations, and the engine beside them.
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { writeReleaseFiles } from './release_files.mjs';

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));
const builtIn = (folder) => (name) => path(`../build/${folder}/${name}`);
const [built, builtMt] = [builtIn('wasm'), builtIn('wasm-mt')];
if (!existsSync(built('octet.wasm')))
  throw new Error(`${built('octet.wasm')} is missing: run ./octet build`);
// Work on one thread can do without; ./octet build makes it always.
const hasThreads = existsSync(builtMt('octet-mt.wasm'));
if (!hasThreads) console.warn('octet-mt.wasm is not built: the package will run on one thread');

rmSync(path('dist'), { recursive: true, force: true });
const options = {
  bundle: true,
  format: 'esm',
  target: ['es2022'],
  minify: true,
  legalComments: 'eof',
  absWorkingDir: path('.'),
  outdir: 'dist',
};
// Marks the one import of a module whose name is a variable as none of a bundler's; esbuild drops comments with the white space.
function markNodeImport(name) {
  const file = path(`dist/${name}`);
  const [start, end, ...more] = readFileSync(file, 'utf8').split(/\bimport\((?=\w+\))/);
  if (end === undefined || more.length)
    throw new Error(`${name}: one import of Node's modules expected`);
  writeFileSync(file, `${start}import(/* @vite-ignore *//* webpackIgnore: true */${end}`);
}
// The module for several threads comes when it is wanted.
const besideIndex = {
  name: 'beside-index',
  setup: ({ onResolve }) =>
    onResolve({ filter: /^#engine-mt$/ }, () => ({ path: './octet-mt.js', external: true })),
};
await build({
  ...options,
  entryPoints: { index: 'src/index.ts' },
  alias: { '#engine': built('octet.mjs') },
  plugins: [besideIndex],
});
await build({
  ...options,
  entryPoints: {
    ...(hasThreads && { 'octet-mt': builtMt('octet-mt.mjs') }),
    'octet.thread': 'src/thread.ts',
  },
});
// The worker has no worker of its own kind, or bundlers would go round in circles, and shares no script with the page, for
// webpack leaves modules out of a chunk that it takes the page to have already.
const withoutProxy = {
  name: 'without-proxy',
  setup: ({ onLoad }) =>
    onLoad({ filter: /\/src\/proxy\.ts$/ }, () => ({ contents: 'export const proxy = () => {};' })),
};
await build({
  ...options,
  entryPoints: { 'octet.proxy': 'src/proxy_worker.ts' },
  alias: {
    '#engine': built('octet.mjs'),
    ...(hasThreads && { '#engine-mt': builtMt('octet-mt.mjs') }),
  },
  plugins: hasThreads ? [withoutProxy] : [withoutProxy, besideIndex],
});
// These use the bundle beside them; the backend registers with the onnxruntime-common of the application.
await build({
  ...options,
  entryPoints: { ort: 'src/ort.ts' },
  external: ['./index.js'],
});
await build({
  ...options,
  entryPoints: { backend: 'src/backend.ts' },
  external: ['./index.js', 'onnxruntime-common'],
});
// Has the classes of the bundle beside it, errors among them.
const oneErrorClass = {
  name: 'one-error-class',
  setup: ({ onResolve }) =>
    onResolve({ filter: /\/octet_error\.js$/ }, () => ({ path: './index.js', external: true })),
};
await build({
  ...options,
  entryPoints: { cache: 'src/cache.ts' },
  external: ['./index.js'],
  plugins: [oneErrorClass],
});
await build({
  ...options,
  entryPoints: { cli: 'cli/main.ts' },
  platform: 'node',
  external: ['./index.js', './cli.images.js'],
  banner: { js: '#!/usr/bin/env node' },
});
// Some decoders of pictures are modules of CommonJS, which ask for those of Node.
await build({
  ...options,
  entryPoints: { 'cli.images': 'cli/images.ts' },
  platform: 'node',
  loader: { '.wasm': 'binary' },
  banner: {
    js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
  },
});
const importing = ['index.js', 'octet.thread.js', 'octet.proxy.js', 'cache.js'];
for (const name of importing) markNodeImport(name);
chmodSync(path('dist/cli.js'), 0o755);
const modules = [
  ...['octet.wasm', 'octet.relaxed.wasm'].map(built),
  ...(hasThreads ? ['octet-mt.wasm', 'octet-mt.relaxed.wasm'].map(builtMt) : []),
];
for (const file of modules) copyFileSync(file, path(`dist/${basename(file)}`));
writeReleaseFiles(modules.map((file) => basename(file)));
execFileSync(
  process.execPath,
  [path('node_modules/typescript/bin/tsc'), '-p', path('tsconfig.build.json')],
  {
    stdio: 'inherit',
  },
);

// Programs compile without onnxruntime-common: its declarations come along, and those of the package name them there.
function bringTypes() {
  const [from, to] = ['node_modules/onnxruntime-common/dist/esm', 'dist/onnxruntime-common'].map(
    path,
  );
  const declarations = (folder) => readdirSync(folder).filter((name) => name.endsWith('.d.ts'));
  mkdirSync(to);
  for (const name of declarations(from)) {
    const text = readFileSync(`${from}/${name}`, 'utf8');
    writeFileSync(`${to}/${name}`, text.replace(/^\/\/# sourceMappingURL.*$/m, ''));
  }
  for (const name of declarations(path('dist'))) {
    const file = path(`dist/${name}`);
    const text = readFileSync(file, 'utf8');
    writeFileSync(
      file,
      text.replace(/(['"])onnxruntime-common\1/g, '$1./onnxruntime-common/index.js$1'),
    );
  }
}
bringTypes();
