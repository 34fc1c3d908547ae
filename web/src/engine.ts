import type { Tensor } from 'onnxruntime-common';
import { loadModule } from './loader.js';
import { OctetError, type OctetErrorCode } from './errors.js';

/** A result of the engine: nothing is thrown across the border. */
export type Result<T> = { value: T } | { error: { code: OctetErrorCode; message: string } };

export interface HeapBytes {
  address: number;
  size: number;
}

export type HeapArray = Exclude<Tensor['data'], string[]>;
export interface HeapArrayConstructor {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBufferLike, byteOffset?: number, length?: number): HeapArray;
}

export interface ModelHandle {
  inspect(freeDimensions: [string, number][]): Result<string>;
  outputNames(): Result<string[]>;
  delete(): void;
}

export interface SessionHandle {
  inputs(): string;
  /** `EncodedImage`s: a run is fed with pixels of each, behind the inputs. */
  images(): string;
  outputs(): string;
  /** These two return an address, or 0 when something went wrong, which `error` then describes. */
  reserve(size: number): number;
  run(): number;
  /** `run` in parts: `prepare` and `advance` work for about so long each time, until they are false. */
  begin(): Result<boolean>;
  prepare(milliseconds: number): Result<boolean>;
  advance(milliseconds: number): Result<boolean>;
  results(): number;
  error(): Result<never>;
  giveStrings(strings: string[]): void;
  /** A tensor of strings of the last results, by its number. */
  strings(number: number): string[];
  profile(): string;
  delete(): void;
}

export interface QuantizeJob {
  /** Of a quantization with samples: runs every one before the first step. */
  calibrationSession(): Result<SessionHandle>;
  /** After each sample, until it is false. */
  digest(): Result<boolean>;
  done(): number;
  total(): number;
  step(): Result<boolean>;
  /** The model is `size` bytes, in `pieces`. */
  finish(): Result<{ pieces: number; size: number; report: string }>;
  /** Piece after piece, each until the next call. */
  piece(index: number): Result<HeapBytes>;
  delete(): void;
}

/** What becomes of nodes that make or read a power spectrum; 'int16' is for static quantization. */
export type SpectrumHandling = 'float' | 'int16' | 'as-others';

export interface EngineModule {
  HEAPU8: Uint8Array;
  /** The engine keeps the arrays, and reads them whenever it needs a part. `find` is asked for files that `external` lacks. */
  openModel(
    bytes: Uint8Array,
    external: { location: string; bytes: Uint8Array }[],
    find: ((location: string) => Uint8Array | undefined) | undefined,
  ): Result<ModelHandle>;
  createSession(
    model: ModelHandle,
    options: {
      optimize: boolean;
      freeDimensions: [string, number][];
      profile: boolean;
    },
  ): Result<SessionHandle>;
  /**
   * Takes the graphs of both. The outputs of the session are sums over the values of the two models, float64 each
   * (src/ops/compare.cpp): first the reference's outputs, then, with layers, inner values.
   */
  createComparison(
    reference: ModelHandle,
    candidate: ModelHandle,
    withLayers: boolean,
  ): Result<SessionHandle>;
  quantize(
    model: ModelHandle,
    options: {
      mode: string;
      weights: {
        type: number;
        symmetric: boolean;
        reduceRange: boolean;
        perChannel: boolean;
        blockSize: number;
        method: string;
      };
      format: string;
      /** Samples will run before the first step. */
      calibrated: boolean;
      force: boolean;
      correctBias: boolean;
      equalize: boolean;
      smooth: number;
      /** Of static quantization. */
      activations?: {
        scheme: string;
        type: number;
        symmetric: boolean;
        method: string;
        percentile: number;
        adaptive: boolean;
      };
      excludeNodes: string[];
      opTypes: string[];
      spectra: SpectrumHandling;
    },
  ): Result<QuantizeJob>;
}

/**
 * One instance of the WebAssembly module. A trap, which no input should cause, ends the instance: later calls with
 * its handles fail, and the next `engine()` makes a new one.
 */
export class Engine {
  #dead = false;
  readonly #views = new Map<HeapArrayConstructor, HeapArray>();

  constructor(private readonly module: EngineModule) {}

  get isDead(): boolean {
    return this.#dead;
  }

  /** Calls into the module and unwraps its result. */
  call<T>(body: (module: EngineModule) => Result<T>): T {
    const result = this.#guarded(body);
    if ('error' in result) throw new OctetError(result.error.code, result.error.message);
    return result.value;
  }

  /** Calls a function of the module that can't fail. */
  get<T>(body: (module: EngineModule) => T): T {
    return this.#guarded(body);
  }

  /** The heap as an array of a type; good until the next call into the module. */
  heap<A extends HeapArray>(type: HeapArrayConstructor & (new (buffer: ArrayBufferLike) => A)): A {
    const { buffer } = this.module.HEAPU8;
    let view = this.#views.get(type);
    if (view?.buffer !== buffer) {
      view = new type(buffer);
      this.#views.set(type, view);
    }
    return view as A;
  }

  /** Copies an array into the heap. */
  write(array: HeapArray, address: number): void {
    const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
    this.heap(Uint8Array).set(bytes, address);
  }

  /** A copy of elements of the heap. */
  read(type: HeapArrayConstructor, address: number, size: number): HeapArray {
    const width = type.BYTES_PER_ELEMENT;
    if (address % width === 0)
      return this.heap(type).slice(address / width, (address + size) / width);
    return new type(this.take({ address, size }).buffer);
  }

  /** A copy of bytes of the heap. */
  take({ address, size }: HeapBytes): Uint8Array<ArrayBuffer> {
    return this.module.HEAPU8.slice(address, address + size) as Uint8Array<ArrayBuffer>;
  }

  /** Copies bytes of the heap to a place in `target`. */
  copy({ address, size }: HeapBytes, target: Uint8Array, at: number): void {
    target.set(this.module.HEAPU8.subarray(address, address + size), at);
  }

  #guarded<T>(body: (module: EngineModule) => T): T {
    if (this.#dead)
      throw new OctetError('internal', 'the engine of this object has ended; create it anew');
    try {
      return body(this.module);
    } catch (error) {
      this.#dead = true;
      const code = error instanceof RangeError ? 'out-of-memory' : 'internal';
      throw new OctetError(code, `the engine trapped: ${String(error)}`, { cause: error });
    }
  }
}

let current: Promise<Engine> | undefined;

/** The engine all callers share; compiled at the first call, retried after a failure. */
export async function engine(): Promise<Engine> {
  current ??= loadModule().then((module) => new Engine(module as EngineModule));
  const pending = current;
  try {
    const loaded = await pending;
    if (!loaded.isDead) return loaded;
  } catch (error) {
    if (current === pending) current = undefined;
    throw error instanceof OctetError
      ? error
      : new OctetError('internal', `the engine did not load: ${String(error)}`, { cause: error });
  }
  if (current === pending) current = undefined;
  return engine();
}
