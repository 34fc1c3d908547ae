/** The generated modules, for one thread and for several; bindings/README.md describes their functions. */
interface EngineOptions {
  /** Of the module for several threads. */
  wasmMemory?: WebAssembly.Memory;
  instantiateWasm(
    imports: WebAssembly.Imports,
    done: (instance: WebAssembly.Instance, module?: WebAssembly.Module) => void,
  ): object;
  onAbort?(reason: unknown): void;
  print?(line: string): void;
  printErr?(line: string): void;
}

declare module '#engine' {
  export default function createModule(options: EngineOptions): Promise<unknown>;
}
declare module '#engine-mt' {
  export default function createModule(options: EngineOptions): Promise<unknown>;
}
