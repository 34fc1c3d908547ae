/** Where the parts of the engine are; a folder (ending in /) or the file itself. */
export type WasmPaths =
  | string
  | {
      wasm?: string | URL;
      relaxed?: string | URL;
      /** These two are for several threads. */
      wasmMt?: string | URL;
      relaxedMt?: string | URL;
      mjs?: string | URL;
    };

/** Settings to make before the first call, under the names of onnxruntime-web's `env`. */
export interface Env {
  wasm: {
    /**
     * How many threads share the work of a run; more than one need `crossOriginIsolated` (or Node). 0 or absent: half of
     * the processor's, at most 4. 1: the engine for one thread.
     */
    numThreads?: number;
    /**
     * 'relaxed', true or absent: the kernels of octet.relaxed.wasm where the engine has relaxed SIMD (in Node 20, where that
     * sets a flag of the process, for 'relaxed' only). 'fixed' or false: SIMD128 alone, without which nothing runs.
     */
    simd?: boolean | 'fixed' | 'relaxed';
    /** From where to load octet.wasm and the other .wasm files, instead of from beside the package's own script. */
    wasmPaths?: WasmPaths;
    /** The bytes of octet.wasm, for one thread, if the page has them already; relaxed SIMD then needs `wasmPaths.relaxed`. */
    wasmBinary?: ArrayBufferLike | Uint8Array;
    /** Accepted for compatibility; call Octet from a worker of your own to keep the page responsive. */
    proxy?: boolean;
    /** Milliseconds after which loading fails; 0 or absent: never. */
    initTimeout?: number;
    trace?: boolean;
  };
  logLevel?: 'verbose' | 'info' | 'warning' | 'error' | 'fatal';
  debug?: boolean;
  trace?: boolean;
  readonly versions: { readonly common: string; readonly octet: string };
  /** What was chosen at start-up. */
  readonly octet: {
    readonly version: string;
    readonly simd: 'simd128' | 'relaxed';
    readonly threads: number;
  };
  /** onnxruntime's settings for other backends, which Octet does not have, are kept and ignored. */
  readonly webgl: Record<string, unknown>;
  readonly webgpu: Record<string, unknown>;
  [name: string]: unknown;
}

const version = '0.1.0';

export const env: Env = {
  wasm: {},
  logLevel: 'warning',
  versions: { common: '1.30.0', octet: version },
  octet: { version, simd: 'simd128', threads: 1 },
  webgl: {},
  webgpu: {},
};
