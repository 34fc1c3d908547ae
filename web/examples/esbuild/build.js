import { cpSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const octet = path.dirname(fileURLToPath(import.meta.resolve('octet-web')));

/** The engine is copied: its modules, and, beside the page's script, what its workers begin with. */
export async function buildInto(directory) {
  await build({
    entryPoints: [
      path.join(import.meta.dirname, 'main.js'),
      path.join(octet, 'octet.thread.js'),
      path.join(octet, 'octet.proxy.js'),
    ],
    bundle: true,
    splitting: true,
    format: 'esm',
    entryNames: '[name]',
    outdir: directory,
    minify: true,
    logLevel: 'warning',
  });
  for (const file of ['octet', 'octet.relaxed', 'octet-mt', 'octet-mt.relaxed'])
    cpSync(path.join(octet, `${file}.wasm`), path.join(directory, 'octet', `${file}.wasm`));
}
