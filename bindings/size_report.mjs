/**
 * Prints what each family of operators, and each other part, costs in the module: bytes of its functions as they ship, before
 * compression. Its argument is the build folder.
 *
 * The linker says how functions are called (octet.mjs.symbols), the object files which of them define one. What several parts define
 * (templates of the C++ library above all) is shared; what the optimizer moved into another function counts there.
 */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

const [folder] = process.argv.slice(2);
const codeSection = 10;
const importSection = 2;
const functionKind = 0;

/** Reads the numbers of a WebAssembly file. */
class WasmReader {
  at = 8;

  constructor(bytes) {
    this.bytes = bytes;
  }

  byte = () => this.bytes[this.at++];
  number() {
    for (let value = 0, factor = 1; ; factor *= 128) {
      const byte = this.byte();
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  }
  skipText() {
    const length = this.number();
    this.at += length;
  }
  /** Limits of a memory or a table. */
  skipLimits() {
    const hasMost = this.number() % 2 === 1;
    this.number();
    if (hasMost) this.number();
  }

  /** How many functions are imported: they come first. */
  importedFunctions() {
    const skip = [
      () => this.number(),
      () => [this.byte(), this.skipLimits()],
      () => this.skipLimits(),
      () => [this.byte(), this.byte()],
      () => [this.byte(), this.number()],
    ];
    let functions = 0;
    for (let count = this.number(); count > 0; --count) {
      this.skipText();
      this.skipText();
      const kind = this.byte();
      if (kind === functionKind) ++functions;
      skip[kind]();
    }
    return functions;
  }

  /** Bytes of every function, those that are imported being none, and of all other sections. */
  sizes() {
    let [functions, others] = [[], 0];
    while (this.at < this.bytes.length) {
      const section = this.byte();
      const length = this.number();
      const end = this.at + length;
      if (section === importSection) functions = Array(this.importedFunctions()).fill(0);
      if (section === codeSection) {
        for (let count = this.number(); count > 0; --count) {
          const size = this.number();
          functions.push(size);
          this.at += size;
        }
      } else {
        others += length;
      }
      this.at = end;
    }
    return { functions, others };
  }
}

/** The part that a source file belongs to: each file of operators is a family, elsewhere each folder is one. */
const partOf = (source) =>
  source.startsWith('src/ops/') ? source.replace(/\.(cpp|h)$/, '') : path.dirname(source);

/** A name that does not depend on who wrote it out: only some put spaces between angle brackets. */
const plainName = (name) => name.replaceAll(' ', '');

/** The part that defines each function of ours. */
function definitions() {
  const parts = new Map();
  const objects = fs
    .readdirSync(folder, { recursive: true })
    .filter((name) => name.endsWith('.cpp.o') && !name.startsWith('tests'))
    .map((name) => path.join(folder, name));
  const options = ['--defined-only', '--demangle', '--print-file-name', '--format=just-symbols'];
  const listed = execFileSync('emnm', [...options, ...objects], { maxBuffer: 2 ** 28 });
  for (const line of listed.toString().split('\n')) {
    const [, source, symbol] = /\.dir\/(.*?)\.o: (.*)$/.exec(line) ?? [];
    if (!source) continue;
    const part = partOf(source.includes('/') ? source : `bindings/${source}`);
    const name = plainName(symbol);
    parts.set(name, (parts.get(name) ?? part) === part ? part : 'shared by several');
  }
  return parts;
}

/** Names by the indices of functions. Signs that no identifier holds are written as two hexadecimal digits. */
function readNames() {
  const text = fs.readFileSync(path.join(folder, 'octet.mjs.symbols'), 'utf8');
  const plain = text.replace(/\\([0-9a-f]{2})/g, (_, code) => String.fromCharCode(Number.parseInt(code, 16)));
  return plain.split('\n').map((line) => plainName(line.slice(line.indexOf(':') + 1)));
}

const names = readNames();
const { functions, others } = new WasmReader(fs.readFileSync(path.join(folder, 'octet.wasm'))).sizes();
const parts = definitions();
const sums = new Map([['constants, names and tables', others]]);
for (const [index, size] of functions.entries()) {
  const part = parts.get(names[index]) ?? 'C++ library and Embind';
  sums.set(part, (sums.get(part) ?? 0) + size);
}

console.log('| part | bytes |\n| --- | ---: |');
for (const [part, bytes] of [...sums].sort(([, a], [, b]) => b - a)) console.log(`| ${part} | ${bytes} |`);
console.log(`| all | ${[...sums.values()].reduce((a, b) => a + b)} |`);
