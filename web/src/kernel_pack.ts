/**
 * The kernels for relaxed SIMD: a module of their own, as an engine without relaxed SIMD could not compile a module that
 * contains them. Its functions work on the memory of the main module and are called through its table.
 */
import { isNode, nodeModule } from './node.js';

/** (module (func (result v128) i32.const 1 i8x16.splat i32.const 2 i8x16.splat i8x16.relaxed_swizzle)) */
const probe = new Uint8Array([
  ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
  ...[1, 5, 1, 0x60, 0, 1, 0x7b],
  ...[3, 2, 1, 0],
  ...[10, 15, 1, 13, 0, 0x41, 1, 0xfd, 15, 0x41, 2, 0xfd, 15, 0xfd, 0x80, 2, 0x0b],
]);

/**
 * Whether this engine compiles relaxed SIMD. Node 20 has it behind a flag of the whole process, which is set where `insist` asks
 * for it; later ones have it without.
 */
export async function hasRelaxedSimd(insist: boolean): Promise<boolean> {
  if (WebAssembly.validate(probe)) return true;
  if (!insist || !isNode || !process.versions.node.startsWith('20.')) return false;
  const v8 = await nodeModule<typeof import('node:v8')>('node:v8');
  v8.setFlagsFromString('--experimental-wasm-relaxed-simd');
  return WebAssembly.validate(probe);
}

/** The main module's part in this. */
export interface PackHost {
  relaxedKernels(): string[];
  useRelaxedKernels(slots: number[]): void;
}

export function find<T>(values: WebAssembly.Exports, type: new (...given: never[]) => T): T {
  const found = Object.values(values).find((value) => value instanceof type);
  if (!found) throw new Error(`the module has no ${type.name}`);
  return found as T;
}

/** A pack and where the table of the main module has its functions. */
export interface InstalledPack {
  module: WebAssembly.Module;
  names: string[];
  first: number;
}

/** Puts the functions of the pack into a table of the main module, at the same places in each of its instances. */
export function installPack(
  { names, first }: InstalledPack,
  instance: WebAssembly.Instance,
  table: WebAssembly.Table,
): void {
  const functions = names.map((name) => instance.exports[name]);
  if (!functions.every((f) => typeof f === 'function'))
    throw new Error('not the pack of this module');
  table.grow(first + functions.length - table.length);
  functions.forEach((f, i) => table.set(first + i, f));
}

/**
 * The float kernels count on compilers that leave loads where they are written. V8 issued all loads of a loop before its
 * arithmetic until its version 12.9; what engines have had since about then tells.
 */
const isWorthUsing = (name: string) => !name.startsWith('f32_') || 'Float16Array' in globalThis;

/** Makes the main module use the functions of the pack. */
export async function usePack(
  module: WebAssembly.Module,
  host: PackHost,
  memory: WebAssembly.Memory,
  table: WebAssembly.Table,
): Promise<InstalledPack> {
  const pack = { module, names: host.relaxedKernels(), first: table.length };
  installPack(pack, await WebAssembly.instantiate(module, { env: { memory } }), table);
  host.useRelaxedKernels(pack.names.map((name, i) => (isWorthUsing(name) ? pack.first + i : 0)));
  return pack;
}
