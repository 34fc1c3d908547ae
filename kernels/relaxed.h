// The instructions of WebAssembly relaxed SIMD that kernels use. Native builds compile the same
// sources with an equal of each, in the one meaning that the kernels rely on.
#pragma once

#include "kernels/simd.h"

namespace octet::kernels {

/// a · b + c, rounded once or twice as the engine likes.
inline v128_t relaxed_multiply_add(v128_t a, v128_t b, v128_t c) noexcept {
#ifdef __wasm__
  return wasm_f32x4_relaxed_madd(a, b, c);
#else
  return wasm_f32x4_add(wasm_f32x4_mul(a, b), c);
#endif
}

/// The sums of two neighbouring products of bytes, as 8 int16. b must be 0 … 127, then every engine
/// gives the same; a is signed.
inline v128_t relaxed_dot_i7x16(v128_t a, v128_t b) noexcept {
#ifdef __wasm__
  return wasm_i16x8_relaxed_dot_i8x16_i7x16(a, b);
#else
  const v128_t lo = wasm_i16x8_extmul_low_i8x16(a, b), hi = wasm_i16x8_extmul_high_i8x16(a, b);
  return wasm_i16x8_add(wasm_i16x8_shuffle(lo, hi, 0, 2, 4, 6, 8, 10, 12, 14),
                        wasm_i16x8_shuffle(lo, hi, 1, 3, 5, 7, 9, 11, 13, 15));
#endif
}

} // namespace octet::kernels
