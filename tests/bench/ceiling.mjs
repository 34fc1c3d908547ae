/**
 * What one thread can do at most in WebAssembly SIMD128, and in relaxed SIMD where the engine has it: multiply-adds on
 * values that stay in registers, 12 independent sums at a time; and how fast it reads what no cache holds, in eight streams,
 * as a single one is slower. The modules are assembled here, byte by byte, as the WebAssembly core specification 3.0 encodes
 * them.
 */

const sumCount = 12;
const streamCount = 8;
const streamBytes = 32 * 2 ** 20;
/** That a stream goes on by at once: two lines of a cache. */
const stepBytes = 128;
const pageBytes = 2 ** 16;
const localGet = 0x20;
const localSet = 0x21;
const simd = 0xfd;

function leb128(value) {
  const bytes = [];
  for (; value > 0x7f; value >>>= 7) bytes.push((value & 0x7f) | 0x80);
  return [...bytes, value];
}

const vector = (items) => [...leb128(items.length), ...items.flat()];
const section = (id, bytes) => [id, ...leb128(bytes.length), ...bytes];
const simdOp = (code) => [simd, ...leb128(code)];

const [rounds, a, b] = [0, 1, 2];

/** sum = product(sum, a) + b */
const productAndSum = (product, add) => (sum) => [
  ...[localGet, sum, localGet, a, ...simdOp(product)],
  ...[localGet, b, ...simdOp(add), localSet, sum],
];

/** sum = operation(a, b, sum) */
const fused = (operation) => (sum) => [
  ...[localGet, a, localGet, b, localGet, sum],
  ...[...simdOp(operation), localSet, sum],
];

/** A module of the function f(i32) → i32, with `memory` sections if it has any, and what else it exports. */
function moduleOf(body, memory = [], exported = []) {
  return new Uint8Array([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, vector([[0x60, ...vector([[0x7f]]), ...vector([[0x7f]])]])),
    ...section(3, vector([[0]])),
    ...memory,
    ...section(7, vector([[...vector([[0x66]]), 0, 0], ...exported])),
    ...section(10, vector([[...leb128(body.length), ...body]])),
  ]);
}

/** One lane that depends on all of the sums. */
const laneOfAll = (sums) => [
  ...[localGet, sums[0]],
  ...sums.slice(1).flatMap((sum) => [localGet, sum, ...simdOp(0x51)]),
  ...[...simdOp(0x1b), 0],
];

/** f(rounds): `rounds` times, `step` for each sum; returns one lane. */
function assemble(step) {
  const sums = Array.from({ length: sumCount }, (_, i) => 3 + i);
  const splat = (number, local) => [
    ...[0x43, ...new Uint8Array(Float32Array.of(number).buffer)],
    ...[...simdOp(0x13), localSet, local],
  ];
  const body = [
    ...[1, 2 + sumCount, 0x7b],
    ...[...splat(0.5, a), ...splat(0.25, b)],
    ...[0x03, 0x40],
    ...sums.flatMap(step),
    ...[localGet, rounds, 0x41, 1, 0x6b, 0x22, rounds, 0x0d, 0, 0x0b],
    ...laneOfAll(sums),
    0x0b,
  ];
  return moduleOf(body);
}

/** f(bytes): adds up so many of each stream of the exported memory m, counted down; returns one lane. */
function assembleReading() {
  const sums = Array.from({ length: streamCount }, (_, i) => 1 + i);
  const read = (sum, i) => {
    const at = i * streamBytes;
    const vectors = Array.from({ length: stepBytes / 16 }, (_, j) => at + 16 * j);
    return vectors.flatMap((offset) => [
      ...[localGet, sum, localGet, rounds, ...simdOp(0x00), 4, ...leb128(offset)],
      ...[...simdOp(0xe4), localSet, sum],
    ]);
  };
  const body = [
    ...[1, streamCount, 0x7b],
    ...[0x03, 0x40],
    ...[localGet, rounds, 0x41, ...leb128(stepBytes), 0x6b, 0x22, rounds, 0x1a],
    ...sums.flatMap(read),
    ...[localGet, rounds, 0x0d, 0, 0x0b],
    ...laneOfAll(sums),
    0x0b,
  ];
  const pages = (streamCount * streamBytes) / pageBytes;
  return moduleOf(body, section(5, vector([[0, ...leb128(pages)]])), [[...vector([[0x6d]]), 2, 0]]);
}

/** GB/s of reading 256 MiB. */
function measureReading() {
  const { f, m } = new WebAssembly.Instance(new WebAssembly.Module(assembleReading())).exports;
  // Pages that were never written are all the same one.
  new Float64Array(m.buffer).fill(1);
  const rates = Array.from({ length: 5 }, () => {
    const start = performance.now();
    f(streamBytes);
    return m.buffer.byteLength / (performance.now() - start) / 1e6;
  });
  return Math.max(...rates);
}

/** GMAC/s of a step that does so many multiply-adds; 0 where the engine lacks its instruction. */
function measure(products, step) {
  const module = assemble(step);
  if (!WebAssembly.validate(module)) return 0;
  const { f } = new WebAssembly.Instance(new WebAssembly.Module(module)).exports;
  const count = 2_000_000;
  f(count);
  const rates = Array.from({ length: 9 }, () => {
    const start = performance.now();
    f(count);
    return (count * sumCount * products) / (performance.now() - start) / 1e6;
  });
  return Math.max(...rates);
}

/**
 * GMAC/s, the better of SIMD128 (f32x4.mul and f32x4.add; i32x4.dot_i16x8_s and i32x4.add) and of relaxed SIMD
 * (f32x4.relaxed_madd; i32x4.relaxed_dot_i8x16_i7x16_add_s), and GB/s from memory.
 */
export const measureCeilings = () => ({
  float: Math.max(measure(4, productAndSum(0xe6, 0xe4)), measure(4, fused(0x105))),
  int8: Math.max(measure(8, productAndSum(0xba, 0xae)), measure(16, fused(0x113))),
  reading: measureReading(),
});
