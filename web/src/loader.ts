import createModule from '#engine';
import { env } from './env.js';
import { OctetError } from './errors.js';
import { type PackHost, find, hasRelaxedSimd, usePack } from './kernel_pack.js';
import { isNode, nodeModule } from './node.js';
import { type ThreadHost, chooseThreads, useThreads } from './threads.js';

const files = {
  wasm: 'octet.wasm',
  relaxed: 'octet.relaxed.wasm',
  wasmMt: 'octet-mt.wasm',
  relaxedMt: 'octet-mt.relaxed.wasm',
} as const;
type File = keyof typeof files;

/** Spelled out, for bundlers to see. */
function besideScript(file: File): URL {
  switch (file) {
    case 'wasm':
      return new URL('./octet.wasm', import.meta.url);
    case 'relaxed':
      return new URL('./octet.relaxed.wasm', import.meta.url);
    case 'wasmMt':
      return new URL('./octet-mt.wasm', import.meta.url);
    case 'relaxedMt':
      return new URL('./octet-mt.relaxed.wasm', import.meta.url);
  }
}

function urlOf(file: File): URL {
  const paths = env.wasm.wasmPaths;
  const base = typeof document !== 'undefined' ? document.baseURI : import.meta.url;
  if (typeof paths === 'string') return new URL(paths + files[file], base);
  const given = paths?.[file];
  return given ? new URL(given, base) : besideScript(file);
}

async function compile(url: URL): Promise<WebAssembly.Module> {
  if (url.protocol === 'file:' && isNode) {
    const { readFile } = await nodeModule<typeof import('node:fs/promises')>('node:fs/promises');
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

async function compileMain(isShared: boolean): Promise<WebAssembly.Module> {
  const given = env.wasm.wasmBinary;
  if (given && !isShared) return WebAssembly.compile(given as Uint8Array<ArrayBuffer>);
  return compile(urlOf(isShared ? 'wasmMt' : 'wasm'));
}

/** Nothing where the settings or the engine rule it out. */
async function compilePack(isShared: boolean): Promise<WebAssembly.Module | undefined> {
  const { simd, wasmBinary, wasmPaths } = env.wasm;
  if (simd === 'fixed' || simd === false) return undefined;
  if (wasmBinary && !(typeof wasmPaths === 'object' && wasmPaths.relaxed)) return undefined;
  if (!(await hasRelaxedSimd(simd === 'relaxed'))) return undefined;
  return compile(urlOf(isShared ? 'relaxedMt' : 'relaxed'));
}

/** What the toolchain file of the module says, in pages of 64 KiB. */
const sharedPages = { initial: 64, maximum: 65536 };

/** Starts the module for one thread, or for several on a memory that they share. */
async function start(threads: number): Promise<unknown> {
  const isShared = threads > 1;
  // Without the pack everything works, only slower.
  const pack = compilePack(isShared).catch(() => undefined);
  const shared = isShared ? new WebAssembly.Memory({ ...sharedPages, shared: true }) : undefined;
  const create = isShared ? (await import('#engine-mt')).default : createModule;
  let main: WebAssembly.Module | undefined;
  let exports: WebAssembly.Exports = {};
  const module = await new Promise<unknown>((resolve, reject) => {
    create({
      wasmMemory: shared,
      instantiateWasm(imports, done) {
        compileMain(isShared)
          .then(async (compiled) => {
            const instance = await WebAssembly.instantiate(compiled, imports);
            main = compiled;
            exports = instance.exports;
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
  const memory = shared ?? find(exports, WebAssembly.Memory);
  const installed = await pack
    .then((compiled) =>
      compiled
        ? usePack(compiled, module as PackHost, memory, find(exports, WebAssembly.Table))
        : undefined,
    )
    .catch(() => undefined);
  Object.assign(env.octet, { simd: installed ? 'relaxed' : 'simd128', threads: 1 });
  if (main && isShared)
    await useThreads(module as ThreadHost, threads, { main, memory, pack: installed });
  return module;
}

/** With several threads where that is wanted and works. */
async function startBest(): Promise<unknown> {
  const threads = await chooseThreads();
  return threads > 1 ? start(threads).catch(() => start(1)) : start(1);
}

/** Compiles and starts the generated module. */
export async function loadModule(): Promise<unknown> {
  const started = startBest();
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
