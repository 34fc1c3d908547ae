/** The generated module; bindings/README.md describes its functions. */
declare module '#engine' {
  export default function createModule(options: {
    instantiateWasm(
      imports: WebAssembly.Imports,
      done: (instance: WebAssembly.Instance, module?: WebAssembly.Module) => void,
    ): object;
    onAbort?(reason: unknown): void;
    print?(line: string): void;
    printErr?(line: string): void;
  }): Promise<unknown>;
}
