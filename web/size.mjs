// Prints what a page downloads: every file it loads, brotli-compressed as a server would send it.
import { readdirSync, readFileSync } from 'node:fs';
import { constants, brotliCompressSync } from 'node:zlib';

const dist = new URL('dist/', import.meta.url);
const loaded = readdirSync(dist).filter(
  (name) => name.endsWith('.wasm') || (name.endsWith('.js') && !/^(cli|backend)\.js$/.test(name)),
);
let total = 0;
for (const name of loaded) {
  const bytes = readFileSync(new URL(name, dist));
  const packed = brotliCompressSync(bytes, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 11 },
  }).length;
  total += packed;
  console.log(`${name.padEnd(24)} ${bytes.length} bytes, ${packed} brotli`);
}
console.log(`${'total'.padEnd(24)} ${total} brotli`);
