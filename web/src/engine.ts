import { loadModule } from './loader.js';
import { OctetError, type OctetErrorCode } from './errors.js';

/** A result of the engine: nothing is thrown across the border. */
export type Result<T> = { value: T } | { error: { code: OctetErrorCode; message: string } };

export interface HeapBytes {
  address: number;
  size: number;
}

export interface HeapTensor extends HeapBytes {
  /** ONNX's number of the element type. */
  type: number;
  dims: number[];
  strings?: string[];
}

export interface ModelHandle {
  inspect(freeDimensions: [string, number][]): Result<string>;
  delete(): void;
}

export interface SessionHandle {
  inputs(): string;
  outputs(): string;
  run(feeds: (HeapTensor & { name: string })[], fetches: string[]): Result<HeapTensor[]>;
  profile(): string;
  delete(): void;
}

export interface QuantizeJob {
  done(): number;
  total(): number;
  step(): Result<boolean>;
  finish(): Result<{ model: HeapBytes; report: string }>;
  delete(): void;
}

export interface EngineModule {
  HEAPU8: Uint8Array;
  allocate(size: number): number;
  deallocate(address: number): void;
  /** The engine keeps the arrays, and reads them whenever it needs a part. */
  openModel(
    bytes: Uint8Array,
    external: { location: string; bytes: Uint8Array }[],
  ): Result<ModelHandle>;
  createSession(
    model: ModelHandle,
    options: {
      optimize: boolean;
      freeDimensions: [string, number][];
      extraOutputs: string[];
      profile: boolean;
    },
  ): Result<SessionHandle>;
  quantizeDynamic(
    model: ModelHandle,
    options: {
      weightType: number;
      symmetric: boolean;
      perChannel: boolean;
      excludeNodes: string[];
      opTypes: string[];
      spectraInFloat: boolean;
    },
  ): Result<QuantizeJob>;
}

/**
 * One instance of the WebAssembly module. A trap, which no input should cause, ends the instance: later calls with
 * its handles fail, and the next `engine()` makes a new one.
 */
export class Engine {
  #dead = false;

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

  /** Copies bytes into the heap; the call that takes them over frees them. */
  put(bytes: Uint8Array): HeapBytes {
    const address = this.#guarded((module) => module.allocate(bytes.byteLength));
    if (address === 0)
      throw new OctetError('out-of-memory', `no room for ${bytes.byteLength} bytes in the heap`);
    this.module.HEAPU8.set(bytes, address);
    return { address, size: bytes.byteLength };
  }

  /** A copy of bytes of the heap. */
  take({ address, size }: HeapBytes): Uint8Array<ArrayBuffer> {
    return this.module.HEAPU8.slice(address, address + size) as Uint8Array<ArrayBuffer>;
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
