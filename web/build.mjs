// Builds dist/: bundles, type declarations, and the engine beside them.
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));
const modules = ['octet.wasm', 'octet.relaxed.wasm'];
const built = (name) => path(`../build/wasm/${name}`);
for (const name of modules)
  if (!existsSync(built(name))) throw new Error(`${built(name)} is missing: run ./octet build`);

rmSync(path('dist'), { recursive: true, force: true });
const options = {
  bundle: true,
  format: 'esm',
  target: ['es2022'],
  minify: true,
  keepNames: true,
  legalComments: 'eof',
  absWorkingDir: path('.'),
  outdir: 'dist',
};
await build({
  ...options,
  entryPoints: { index: 'src/index.ts' },
  alias: { '#engine': path('../build/wasm/octet.mjs') },
  external: ['node:*'],
});
// These use the bundle beside them; the backend registers with the onnxruntime-common of the application.
await build({
  ...options,
  entryPoints: { backend: 'src/backend.ts' },
  external: ['./index.js', 'onnxruntime-common'],
});
await build({
  ...options,
  entryPoints: { cli: 'cli/main.ts' },
  platform: 'node',
  external: ['./index.js'],
  banner: { js: '#!/usr/bin/env node' },
});
chmodSync(path('dist/cli.js'), 0o755);
for (const name of modules) copyFileSync(built(name), path(`dist/${name}`));
execFileSync(
  process.execPath,
  [path('node_modules/typescript/bin/tsc'), '-p', path('tsconfig.build.json')],
  {
    stdio: 'inherit',
  },
);
