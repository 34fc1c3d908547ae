import createModule from '#engine';
import { env } from './env.js';
import { OctetError } from './errors.js';
import { type PackHost, hasRelaxedSimd, usePack } from './kernel_pack.js';

const isNode = typeof process !== 'undefined' && !!process.versions?.node;

const files = { wasm: 'octet.wasm', relaxed: 'octet.relaxed.wasm' } as const;

function urlOf(file: keyof typeof files): URL {
  const paths = env.wasm.wasmPaths;
  const base = typeof document !== 'undefined' ? document.baseURI : import.meta.url;
  if (typeof paths === 'string') return new URL(paths + files[file], base);
  const given = paths?.[file];
  if (given) return new URL(given, base);
  // Spelled out, for bundlers to see.
  return file === 'wasm'
    ? new URL('./octet.wasm', import.meta.url)
    : new URL('./octet.relaxed.wasm', import.meta.url);
}

async function compile(url: URL): Promise<WebAssembly.Module> {
  if (url.protocol === 'file:' && isNode) {
    const { readFile } = await import(
      /* @vite-ignore */ /* webpackIgnore: true */ 'node:fs/promises'
    );
    return WebAssembly.compile(new Uint8Array(await readFile(url)));
  }
  const response = await fetch(url);
  if (!response.ok)
    throw new OctetError('internal', `${url.href}: ${response.status} ${response.statusText}`);
  // Streaming needs the right media type, which not every server sends.
  if (response.headers.get('content-type') === 'application/wasm')
    return WebAssembly.compileStreaming(response);
  return WebAssembly.compile(await response.arrayBuffer());
}

async function compileMain(): Promise<WebAssembly.Module> {
  const given = env.wasm.wasmBinary;
  return given ? WebAssembly.compile(given as Uint8Array<ArrayBuffer>) : compile(urlOf('wasm'));
}

/** Nothing where the settings or the engine rule it out. */
async function compilePack(): Promise<WebAssembly.Module | undefined> {
  const { simd, wasmBinary, wasmPaths } = env.wasm;
  if (simd === 'fixed' || simd === false) return undefined;
  if (wasmBinary && !(typeof wasmPaths === 'object' && wasmPaths.relaxed)) return undefined;
  return (await hasRelaxedSimd(simd === 'relaxed')) ? compile(urlOf('relaxed')) : undefined;
}

async function start(): Promise<unknown> {
  // Without the pack everything works, only slower.
  const pack = compilePack().catch(() => undefined);
  let main: WebAssembly.Exports = {};
  const module = await new Promise<unknown>((resolve, reject) => {
    createModule({
      instantiateWasm(imports, done) {
        compileMain()
          .then(async (compiled) => {
            const instance = await WebAssembly.instantiate(compiled, imports);
            main = instance.exports;
            done(instance, compiled);
          })
          .catch(reject);
        return {};
      },
      onAbort: (reason) => reject(new OctetError('internal', `the engine aborted: ${reason}`)),
      print: () => {},
      printErr: () => {},
    }).then(resolve, reject);
  });
  const relaxed = await pack
    .then(async (compiled) => {
      if (compiled) await usePack(compiled, module as PackHost, main);
      return !!compiled;
    })
    .catch(() => false);
  Object.assign(env.octet, { simd: relaxed ? 'relaxed' : 'simd128' });
  return module;
}

/** Compiles and starts the generated module. */
export async function loadModule(): Promise<unknown> {
  const started = start();
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
