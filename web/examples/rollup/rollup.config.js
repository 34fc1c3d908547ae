import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import resolve from '@rollup/plugin-node-resolve';

const octet = path.dirname(fileURLToPath(import.meta.resolve('octet-web')));

/** The engine is copied: its modules, and, beside the page's script, what its workers begin with. */
const engine = {
  name: 'engine',
  generateBundle() {
    const copy = (file, fileName) =>
      this.emitFile({ type: 'asset', fileName, source: readFileSync(path.join(octet, file)) });
    for (const file of ['octet', 'octet.relaxed', 'octet-mt', 'octet-mt.relaxed'])
      copy(`${file}.wasm`, `octet/${file}.wasm`);
    for (const file of ['octet.thread.js', 'octet.proxy.js']) copy(file, file);
  },
};

export default {
  input: path.join(import.meta.dirname, 'main.js'),
  plugins: [resolve({ browser: true }), engine],
  output: { format: 'es', entryFileNames: '[name].js', chunkFileNames: '[name].js' },
};
