/**
 * What one thread can do at most in WebAssembly SIMD128: multiply-adds on values that stay in registers, 12 independent
 * sums at a time. The module is assembled here, byte by byte, as the WebAssembly core specification 2.0 encodes it.
 */

const sumCount = 12;
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

/** f(rounds): `rounds` times, sum = product(sum, a) + b for each sum; returns one lane, which depends on all of them. */
function assemble({ product, add }) {
  const [rounds, a, b] = [0, 1, 2];
  const sums = Array.from({ length: sumCount }, (_, i) => 3 + i);
  const splat = (number, local) => [
    ...[0x43, ...new Uint8Array(Float32Array.of(number).buffer)],
    ...[...simdOp(0x13), localSet, local],
  ];
  const step = (sum) => [
    ...[localGet, sum, localGet, a, ...simdOp(product)],
    ...[localGet, b, ...simdOp(add), localSet, sum],
  ];
  const body = [
    ...[1, 2 + sumCount, 0x7b],
    ...[...splat(0.5, a), ...splat(0.25, b)],
    ...[0x03, 0x40],
    ...sums.flatMap(step),
    ...[localGet, rounds, 0x41, 1, 0x6b, 0x22, rounds, 0x0d, 0, 0x0b],
    ...[localGet, sums[0]],
    ...sums.slice(1).flatMap((sum) => [localGet, sum, ...simdOp(0x51)]),
    ...[...simdOp(0x1b), 0, 0x0b],
  ];
  return new Uint8Array([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, vector([[0x60, ...vector([[0x7f]]), ...vector([[0x7f]])]])),
    ...section(3, vector([[0]])),
    ...section(7, vector([[...vector([[0x66]]), 0, 0]])),
    ...section(10, vector([[...leb128(body.length), ...body]])),
  ]);
}

function measure({ lanes, ...operations }) {
  const { f } = new WebAssembly.Instance(new WebAssembly.Module(assemble(operations))).exports;
  const rounds = 2_000_000;
  f(rounds);
  const rates = Array.from({ length: 9 }, () => {
    const start = performance.now();
    f(rounds);
    return (rounds * sumCount * lanes) / (performance.now() - start) / 1e6;
  });
  return Math.max(...rates);
}

/** GMAC/s of f32x4.mul with f32x4.add, and of i32x4.dot_i16x8_s with i32x4.add. */
export const measureCeilings = () => ({
  float: measure({ lanes: 4, product: 0xe6, add: 0xe4 }),
  int8: measure({ lanes: 8, product: 0xba, add: 0xae }),
});
