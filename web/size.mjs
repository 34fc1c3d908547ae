// Prints what a page downloads, with one thread and with several: every file it loads, brotli-compressed as a server would
// send it.
import { readFileSync } from 'node:fs';
import { constants, brotliCompressSync } from 'node:zlib';

const dist = new URL('dist/', import.meta.url);
const shared = ['index.js'];
const variants = {
  'one thread': [...shared, 'octet.wasm', 'octet.relaxed.wasm'],
  'several threads': [
    ...shared,
    'octet-mt.js',
    'octet.thread.js',
    'octet-mt.wasm',
    'octet-mt.relaxed.wasm',
  ],
};

function compressed(name) {
  const bytes = readFileSync(new URL(name, dist));
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11 };
  const { length } = brotliCompressSync(bytes, { params });
  console.log(`${name.padEnd(24)} ${bytes.length} bytes, ${length} brotli`);
  return length;
}

for (const [variant, files] of Object.entries(variants)) {
  const total = files.map(compressed).reduce((sum, size) => sum + size);
  console.log(`${variant.padEnd(24)} ${total} brotli\n`);
}
