import type { Tensor as OrtTensor } from 'onnxruntime-common';
import type { Engine, HeapArray, Result, SessionHandle } from './engine.js';
import { OctetError } from './errors.js';
import { inSlices, sliceMs } from './pause.js';
import {
  arrayOf,
  elementsOf,
  isTensorLike,
  makeTensor,
  type OctetValue,
  stringsOf,
} from './tensor.js';
import { map, nothing, sequence, typeName, typeNumber } from './types.js';

const alignment = 64;
const aligned = (size: number) => Math.ceil(size / alignment) * alignment;

/** Feeds as the engine reads them, but for the place of the bytes. */
interface Written {
  numbers: number[];
  /** Where in `numbers` the offset of each array goes, followed by its size. */
  arrays: { array: HeapArray; at: number }[];
  strings: string[][];
}

/** Carries the values of runs into the engine and back; bindings/call_block.h describes the way. */
export class CallBlock {
  readonly #engine: Engine;
  readonly #handle: SessionHandle;
  #address = 0;
  #capacity = 0;

  constructor(engine: Engine, handle: SessionHandle) {
    this.#engine = engine;
    this.#handle = handle;
  }

  /** Runs with feeds in the order of the inputs; returns the outputs of these numbers. */
  run(
    names: readonly string[],
    feeds: readonly unknown[],
    wanted: readonly number[],
  ): OctetValue[] {
    this.#write(names, feeds, wanted);
    const handle = this.#handle;
    const results = this.#checked(this.#engine.get(() => handle.run()));
    const reader = new ResultReader(this.#engine, handle, results);
    return wanted.map(() => reader.value());
  }

  /** The first part of `runInSlices`: all but the run itself. */
  async prepare(
    names: readonly string[],
    feeds: readonly unknown[],
    signal: AbortSignal | undefined,
    wanted: readonly number[] = [],
  ): Promise<void> {
    this.#write(names, feeds, wanted);
    this.#isMoreWith((handle) => handle.begin());
    await inSlices(() => this.#isMoreWith((handle) => handle.prepare(sliceMs)), signal);
  }

  /** The same as `run`, letting events in. The caller starts no other run meanwhile. */
  async runInSlices(
    names: readonly string[],
    feeds: readonly unknown[],
    wanted: readonly number[],
    signal: AbortSignal | undefined,
  ): Promise<OctetValue[]> {
    await this.prepare(names, feeds, signal, wanted);
    await this.advance(signal);
    const handle = this.#handle;
    const results = this.#checked(this.#engine.get(() => handle.results()));
    const reader = new ResultReader(this.#engine, handle, results);
    return wanted.map(() => reader.value());
  }

  /** The run itself, whose results stay in the engine. Returns the milliseconds of its slices. */
  advance(signal: AbortSignal | undefined): Promise<number> {
    return inSlices(() => this.#isMoreWith((handle) => handle.advance(sliceMs)), signal);
  }

  #isMoreWith(step: (handle: SessionHandle) => Result<boolean>): boolean {
    return this.#engine.call(() => step(this.#handle));
  }

  #write(names: readonly string[], feeds: readonly unknown[], wanted: readonly number[]): void {
    const written: Written = { numbers: [], arrays: [], strings: [] };
    for (let i = 0; i < feeds.length; ++i) writeValue(written, names[i], feeds[i]);
    const { numbers, arrays, strings } = written;
    numbers.push(wanted.length, ...wanted);
    let end = aligned(numbers.length * Float64Array.BYTES_PER_ELEMENT);
    for (const { array, at } of arrays) {
      numbers[at] = array.byteLength ? end : 0;
      numbers[at + 1] = array.byteLength;
      end = aligned(end + array.byteLength);
    }
    this.#reserve(end);
    this.#engine.heap(Float64Array).set(numbers, this.#address / Float64Array.BYTES_PER_ELEMENT);
    for (const { array, at } of arrays)
      if (array.byteLength) this.#engine.write(array, this.#address + numbers[at]);
    for (const each of strings) this.#engine.get(() => this.#handle.giveStrings(each));
  }

  #reserve(bytes: number): void {
    if (bytes <= this.#capacity) return;
    this.#capacity = 0;
    this.#address = this.#checked(this.#engine.get(() => this.#handle.reserve(bytes)));
    this.#capacity = bytes;
  }

  /** An address, unless it says that the call failed. */
  #checked(address: number): number {
    if (address === 0) this.#engine.call(() => this.#handle.error());
    return address;
  }
}

function writeValue(written: Written, name: string, value: unknown): void {
  const { numbers } = written;
  if (isTensorLike(value)) {
    writeTensor(written, name, value);
  } else if (value === null) {
    numbers.push(nothing, 0);
  } else if (Array.isArray(value)) {
    numbers.push(sequence, value.length);
    for (const item of value) writeValue(written, name, item);
  } else if (value instanceof Map) {
    numbers.push(map, 2);
    for (const part of [value.keys(), value.values()])
      writeValue(written, name, tensorOf(name, [...part]));
  } else {
    throw new OctetError('invalid-input', `input '${name}': a Tensor expected`);
  }
}

function writeTensor({ numbers, arrays, strings }: Written, name: string, tensor: OrtTensor): void {
  const type = typeNumber(tensor.type);
  if (type === undefined)
    throw new OctetError('invalid-input', `input '${name}': elements of type ${tensor.type}`);
  numbers.push(type, tensor.dims.length, ...tensor.dims);
  if (tensor.type === 'string') {
    numbers.push(strings.length, 0);
    strings.push(stringsOf(name, tensor));
  } else {
    arrays.push({ array: elementsOf(name, tensor), at: numbers.length });
    numbers.push(0, 0);
  }
}

/** Keys or values of a Map: strings, bigints (int64) or numbers (float32). */
function tensorOf(name: string, items: unknown[]): OrtTensor {
  const dims = [items.length];
  if (items.every((item) => typeof item === 'string')) return makeTensor('string', items, dims);
  if (items.every((item) => typeof item === 'bigint'))
    return makeTensor('int64', BigInt64Array.from(items), dims);
  if (items.every((item) => typeof item === 'number'))
    return makeTensor('float32', Float32Array.from(items), dims);
  throw new OctetError(
    'invalid-input',
    `input '${name}': the keys of a Map, and its values, are all strings, all bigints or all numbers`,
  );
}

/** Reads results one after the other. */
class ResultReader {
  readonly #engine: Engine;
  readonly #handle: SessionHandle;
  #at: number;

  constructor(engine: Engine, handle: SessionHandle, address: number) {
    this.#engine = engine;
    this.#handle = handle;
    this.#at = address / Float64Array.BYTES_PER_ELEMENT;
  }

  value(): OctetValue {
    const type = this.#number();
    const count = this.#number();
    if (type === nothing) return null;
    if (type === sequence) return Array.from({ length: count }, () => this.value());
    if (type === map) {
      const [keys, values] = [this.value() as OrtTensor, this.value() as OrtTensor];
      const items = values.data as ArrayLike<unknown>;
      return new Map(Array.from(keys.data as ArrayLike<unknown>, (key, i) => [key, items[i]]));
    }
    return this.#tensor(type, count);
  }

  #number(): number {
    return this.#engine.heap(Float64Array)[this.#at++];
  }

  #tensor(number: number, rank: number): OrtTensor {
    const type = typeName(number);
    const dims = Array.from({ length: rank }, () => this.#number());
    const [address, size] = [this.#number(), this.#number()];
    if (type === undefined)
      throw new OctetError('unsupported-operator', 'a result of an element type without a name');
    const data =
      type === 'string'
        ? this.#engine.get(() => this.#handle.strings(address))
        : this.#engine.read(arrayOf(type), address, size);
    return makeTensor(type, data, dims);
  }
}
