import type { Env as OrtEnv } from 'onnxruntime-common';

/** Where the parts of the engine are; a folder (ending in /) or the file itself. */
export type WasmPaths =
  | string
  | {
      /** octet.wasm, for one thread. */
      wasm?: string | URL;
      /** octet.relaxed.wasm, its kernels of relaxed SIMD. */
      relaxed?: string | URL;
      /** octet-mt.wasm, for several threads. */
      wasmMt?: string | URL;
      /** octet-mt.relaxed.wasm, its kernels of relaxed SIMD. */
      relaxedMt?: string | URL;
      /** Taken for onnxruntime-web's sake, and ignored. */
      mjs?: string | URL;
    };

/** Settings of onnxruntime-web's `env.wasm`; those without a word here are Octet's as they are onnxruntime's. */
export interface WasmFlags extends OrtEnv.WebAssemblyFlags {
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
  /**
   * The engine, and all that takes time, in a worker of the package's own (octet.proxy.js), so that the page stays responsive.
   * Feeds and samples are copied to it. Should it end, calls that wait for it are rejected, its sessions are lost, and the next
   * call starts another. Ignored in Node and where there are no workers.
   */
  proxy?: boolean;
  /** Milliseconds after which loading fails; 0 or absent: never. */
  initTimeout?: number;
}

/**
 * Settings to make before the first call, under the names of onnxruntime-web's `env`. Octet has no backends for graphics
 * processors and logs nothing but what `debug` asks for: `logLevel`, `webgl` and `webgpu` are kept and ignored.
 */
export interface Env extends OrtEnv {
  /**
   * For development, default false: says on the console, once, that a session was lost without `release()`, and where it was
   * made. Sessions that are created while this is true are watched.
   */
  debug?: boolean;
  /** Where the engine is loaded from, and what it makes use of. */
  readonly wasm: WasmFlags;
  /** Of onnxruntime-common, whose API this is, and of this package. */
  readonly versions: OrtEnv['versions'] & {
    /** This package's. */
    readonly octet: string;
  };
  /** What was chosen at start-up; until the first call, the least. */
  readonly octet: {
    /** This package's. */
    readonly version: string;
    /** Which kernels run. */
    readonly simd: 'simd128' | 'relaxed';
    /** How many threads share a run, the caller's own among them. */
    readonly threads: number;
  };
}

/** The types that onnxruntime-common has under this name. */
export declare namespace Env {
  export type WasmPathPrefix = OrtEnv.WasmPathPrefix;
  export type WasmFilePaths = OrtEnv.WasmFilePaths;
  export type WasmPrefixOrFilePaths = WasmPaths;
  export type WebAssemblyFlags = WasmFlags;
  export type WebGLFlags = OrtEnv.WebGLFlags;
  export type WebGpuFlags = OrtEnv.WebGpuFlags;
  export type WebGpuProfilingData = OrtEnv.WebGpuProfilingData;
  export type WebGpuProfilingDataV1 = OrtEnv.WebGpuProfilingDataV1;
  export type WebGpuProfilingDataV1TensorMetadata = OrtEnv.WebGpuProfilingDataV1TensorMetadata;
}

const version = '0.1.0';

/** Settings to make before the first call, and what was chosen. */
export const env: Env = {
  wasm: {},
  logLevel: 'warning',
  versions: { common: '1.30.0', octet: version },
  octet: { version, simd: 'simd128', threads: 1 },
  webgl: {} as OrtEnv.WebGLFlags,
  webgpu: {} as OrtEnv.WebGpuFlags,
};
