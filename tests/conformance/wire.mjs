/**
 * How the tests' values travel to the process that runs the model and back: one line each way, of words separated by spaces.
 *
 *   request    <model's path> <number of inputs> (<input's name> <value>)…
 *   reply      ok <number of outputs> <value>…        or        error <code> <message>
 *   value      tensor <element type> <rank> <dim>… <bytes>
 *              strings <rank> <dim>… <string>…
 *              sequence <length> <value>…
 *              none
 *
 * Names, bytes and strings are hexadecimal, or `-` where there are none.
 */
import { elementCount } from './values.mjs';

const stringType = 8;

const hexOf = (bytes) => Buffer.from(bytes).toString('hex') || '-';
const textOf = (word) => Buffer.from(bytesOf(word)).toString();

function bytesOf(word) {
  return word === '-' ? new Uint8Array() : Uint8Array.from(Buffer.from(word, 'hex'));
}

function* wordsOf(value) {
  if (value === null) {
    yield 'none';
  } else if (Array.isArray(value)) {
    yield* ['sequence', value.length];
    for (const element of value) yield* wordsOf(element);
  } else if (value.strings) {
    yield* ['strings', value.dims.length, ...value.dims, ...value.strings.map(hexOf)];
  } else {
    yield* ['tensor', value.type, value.dims.length, ...value.dims, hexOf(value.bytes)];
  }
}

/** Reads a line's words one after the other. */
class Words {
  #words;
  #next = 0;

  constructor(line) {
    this.#words = line.split(' ');
  }

  word() {
    if (this.#next === this.#words.length) throw new Error('a line that ends early');
    return this.#words[this.#next++];
  }
  number = () => Number(this.word());
  text = () => textOf(this.word());
  list = (length, read) => Array.from({ length }, read);

  value() {
    const kind = this.word();
    if (kind === 'none') return null;
    if (kind === 'sequence') return this.list(this.number(), () => this.value());
    const type = kind === 'strings' ? stringType : this.number();
    const dims = this.list(this.number(), this.number);
    if (type !== stringType) return { type, dims, bytes: bytesOf(this.word()) };
    return { type, dims, strings: this.list(elementCount(dims), this.text) };
  }
}

export function encodeRequest(model, feeds) {
  const inputs = feeds.flatMap(([name, value]) => [hexOf(name), ...wordsOf(value)]);
  return [hexOf(model), feeds.length, ...inputs].join(' ');
}

export function decodeRequest(line) {
  const words = new Words(line);
  const model = words.text();
  return { model, feeds: words.list(words.number(), () => [words.text(), words.value()]) };
}

export const encodeOutputs = (outputs) =>
  ['ok', outputs.length, ...outputs.flatMap((value) => [...wordsOf(value)])].join(' ');

export const encodeError = (code, message) => `error ${code} ${hexOf(message)}`;

/** `{ outputs }` or `{ error: { code, message } }`. */
export function decodeReply(line) {
  const words = new Words(line);
  if (words.word() === 'error') return { error: { code: words.word(), message: words.text() } };
  return { outputs: words.list(words.number(), () => words.value()) };
}
