// Prints what a page downloads, with one thread and with several, without env.wasm.proxy and with it: every file it loads,
// brotli-compressed as a server would send it.
import { readFileSync } from 'node:fs';
import { constants, brotliCompressSync } from 'node:zlib';

const dist = new URL('dist/', import.meta.url);
const one = ['octet.wasm', 'octet.relaxed.wasm'];
const several = ['octet.thread.js', 'octet-mt.wasm', 'octet-mt.relaxed.wasm'];
const variants = {
  'one thread': ['index.js', ...one],
  'several threads': ['index.js', 'octet-mt.js', ...several],
  'proxy, one thread': ['index.js', 'octet.proxy.js', ...one],
  'proxy, several threads': ['index.js', 'octet.proxy.js', ...several],
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
