// Loads TypeScript modules of the page, which Node 20 can't by itself.
import { fileURLToPath } from 'node:url';
import { runnerImport } from 'vite';

/** `path` is relative to src/. */
export async function load(path) {
  const file = fileURLToPath(new URL(`../src/${path}`, import.meta.url));
  return (await runnerImport(file, { configFile: false, logLevel: 'error' })).module;
}
