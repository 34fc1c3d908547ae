/**
 * What quantization costs, on real networks and inputs; every part prints a table as it measures.
 *
 *   ./octet accuracy [NAME…] [--json FILE]
 *
 *   static       static INT8 against float: digits, text, voice activity, wake words, by every way to choose ranges
 *   methods      OCR recognition: granularity × ranges × correction
 *   weight-only  int4 by rounding and by GPTQ
 *   mixed        every network of the benchmark at half its size and 30 dB
 *   exports      exported files in onnxruntime, and as ONNX's checker sees them
 *   smoothing    the encoder with and without SmoothQuant
 */
import fs from 'node:fs';
import { parseArgs } from 'node:util';

const parts = {
  static: './static_int8.mjs',
  methods: './methods.mjs',
  'weight-only': './weight_only.mjs',
  mixed: './mixed.mjs',
  exports: './exports.mjs',
  smoothing: './smoothing.mjs',
};

const row = (cells) => console.log(`| ${cells.join(' | ')} |`);
/** Where a part prints to. */
const table = {
  row,
  header(titles) {
    row(titles);
    row(titles.map((_, i) => (i === 0 ? '---' : '---:')));
  },
  note: (text) => console.log(text),
};

function readArguments() {
  const { values, positionals } = parseArgs({
    options: { json: { type: 'string' } },
    allowPositionals: true,
  });
  const unknown = positionals.filter((name) => !(name in parts));
  if (unknown.length > 0)
    throw new Error(`no part ${unknown.join(', ')}; there are ${Object.keys(parts).join(', ')}`);
  return { json: values.json, names: positionals.length ? positionals : Object.keys(parts) };
}

async function main() {
  const { json, names } = readArguments();
  const results = {};
  for (const name of names) {
    const started = performance.now();
    console.log(`\n# ${name}\n`);
    const { run } = await import(parts[name]);
    results[name] = await run(table);
    console.log(`\n${((performance.now() - started) / 1000).toFixed(0)} s`);
    if (json) fs.writeFileSync(json, JSON.stringify(results, null, 2));
  }
}

try {
  await main();
} catch (error) {
  console.error(`accuracy: ${error.message}`);
  process.exit(error.code?.startsWith('ERR_PARSE_ARGS') ? 2 : 1);
}
