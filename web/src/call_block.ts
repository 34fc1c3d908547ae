import type { Tensor as OrtTensor } from 'onnxruntime-common';
import type { Engine, HeapArray, SessionHandle } from './engine.js';
import { OctetError } from './errors.js';
import { arrayOf, elementsOf, isTensorLike, makeTensor } from './tensor.js';
import { typeName, typeNumber } from './types.js';

const alignment = 64;
const aligned = (size: number) => Math.ceil(size / alignment) * alignment;

/** Carries the tensors of runs into the engine and back; bindings/call_block.h describes the way. */
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
  run(names: readonly string[], feeds: readonly unknown[], wanted: readonly number[]): OrtTensor[] {
    this.#write(names, feeds, wanted);
    const handle = this.#handle;
    const results = this.#checked(this.#engine.get(() => handle.run()));
    return this.#read(results / Float64Array.BYTES_PER_ELEMENT, wanted.length);
  }

  #write(names: readonly string[], feeds: readonly unknown[], wanted: readonly number[]): void {
    const arrays: (HeapArray | undefined)[] = [];
    let count = 1 + wanted.length;
    for (let i = 0; i < feeds.length; ++i) {
      const { array, dims } = this.#checkFeed(names[i], i, feeds[i]);
      arrays.push(array);
      count += 4 + dims.length;
    }
    const numbers: number[] = [];
    let end = aligned(count * Float64Array.BYTES_PER_ELEMENT);
    for (let i = 0; i < feeds.length; ++i) {
      const { type, dims } = feeds[i] as OrtTensor;
      const size = arrays[i]?.byteLength ?? 0;
      numbers.push(typeNumber(type) as number, dims.length, ...dims, size ? end : 0, size);
      end = aligned(end + size);
    }
    numbers.push(wanted.length, ...wanted);
    this.#reserve(end);
    this.#engine.heap(Float64Array).set(numbers, this.#address / Float64Array.BYTES_PER_ELEMENT);
    let at = this.#address + aligned(count * Float64Array.BYTES_PER_ELEMENT);
    for (const array of arrays) {
      if (!array) continue;
      this.#engine.write(array, at);
      at = aligned(at + array.byteLength);
    }
  }

  /** What the feed's bytes are in; nothing for strings, which are handed over here. */
  #checkFeed(name: string, input: number, feed: unknown) {
    if (!isTensorLike(feed))
      throw new OctetError('invalid-input', `input '${name}': a Tensor expected`);
    if (typeNumber(feed.type) === undefined)
      throw new OctetError('invalid-input', `input '${name}': elements of type ${feed.type}`);
    if (feed.type !== 'string') return { array: elementsOf(name, feed), dims: feed.dims };
    const strings = [...(feed.data as string[])];
    this.#engine.get(() => this.#handle.giveStrings(input, strings));
    return { array: undefined, dims: feed.dims };
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

  #read(at: number, count: number): OrtTensor[] {
    const results: OrtTensor[] = [];
    for (let i = 0; i < count; ++i) {
      const numbers = this.#engine.heap(Float64Array);
      const type = typeName(numbers[at]);
      const rank = numbers[at + 1];
      const dims = Array.from(numbers.subarray(at + 2, at + 2 + rank));
      const [address, size] = [numbers[at + 2 + rank], numbers[at + 3 + rank]];
      at += 4 + rank;
      if (type === undefined)
        throw new OctetError('unsupported-operator', 'a result of an element type without a name');
      const data =
        type === 'string'
          ? this.#engine.get(() => this.#handle.strings(i))
          : this.#engine.read(arrayOf(type), address, size);
      results.push(makeTensor(type, data, dims));
    }
    return results;
  }
}
