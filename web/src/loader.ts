import createModule from '#engine';
import { env } from './env.js';
import { OctetError } from './errors.js';

const isNode = typeof process !== 'undefined' && !!process.versions?.node;

function wasmUrl(): URL {
  const paths = env.wasm.wasmPaths;
  const base = typeof document !== 'undefined' ? document.baseURI : import.meta.url;
  if (typeof paths === 'string') return new URL(`${paths}octet.wasm`, base);
  if (paths?.wasm) return new URL(paths.wasm, base);
  return new URL('./octet.wasm', import.meta.url);
}

async function instantiateFrom(url: URL, imports: WebAssembly.Imports) {
  if (url.protocol === 'file:' && isNode) {
    const { readFile } = await import(
      /* @vite-ignore */ /* webpackIgnore: true */ 'node:fs/promises'
    );
    return WebAssembly.instantiate(new Uint8Array(await readFile(url)), imports);
  }
  const response = await fetch(url);
  if (!response.ok)
    throw new OctetError('internal', `${url.href}: ${response.status} ${response.statusText}`);
  // Streaming needs the right media type, which not every server sends.
  if (response.headers.get('content-type') === 'application/wasm')
    return WebAssembly.instantiateStreaming(response, imports);
  return WebAssembly.instantiate(await response.arrayBuffer(), imports);
}

async function instantiate(
  imports: WebAssembly.Imports,
): Promise<WebAssembly.WebAssemblyInstantiatedSource> {
  const given = env.wasm.wasmBinary;
  if (!given) return instantiateFrom(wasmUrl(), imports);
  return WebAssembly.instantiate(given as Uint8Array<ArrayBuffer>, imports);
}

/** Compiles and starts the generated module. */
export async function loadModule(): Promise<unknown> {
  const started = new Promise<unknown>((resolve, reject) => {
    createModule({
      instantiateWasm(imports, done) {
        instantiate(imports).then(({ instance, module }) => done(instance, module), reject);
        return {};
      },
      onAbort: (reason) => reject(new OctetError('internal', `the engine aborted: ${reason}`)),
      print: () => {},
      printErr: () => {},
    }).then(resolve, reject);
  });
  const limit = env.wasm.initTimeout;
  if (!limit) return started;
  const timeout = new Promise<never>((_, reject) =>
    setTimeout(
      () => reject(new OctetError('internal', `the engine did not load within ${limit} ms`)),
      limit,
    ),
  );
  return Promise.race([started, timeout]);
}
