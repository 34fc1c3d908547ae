// The instructions of WebAssembly relaxed SIMD that kernels use. Native builds compile the same
// sources with an equal of each, in the one meaning that the kernels rely on.
#pragma once

#include "kernels/qdot/byte_dot.h"
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

#ifndef __wasm__
struct PairSums {
  v128_t lo, hi;
};
inline PairSums native_dot_pairs(v128_t a, v128_t b) noexcept {
  const bool is_signed = byte_dot() == ByteDot::signed_activations;
  const v128_t b_lo = is_signed ? wasm_i16x8_extend_low_i8x16(b) : wasm_u16x8_extend_low_u8x16(b);
  const v128_t b_hi = is_signed ? wasm_i16x8_extend_high_i8x16(b) : wasm_u16x8_extend_high_u8x16(b);
  return {wasm_i32x4_dot_i16x8(wasm_i16x8_extend_low_i8x16(a), b_lo),
          wasm_i32x4_dot_i16x8(wasm_i16x8_extend_high_i8x16(a), b_hi)};
}
#endif

/// The sums of two neighbouring products of bytes. a is signed; b is read as
/// kernels/qdot/byte_dot.h says; in every engine alike up to 127. Exact for |a| ≤ kMostPairWeight
/// or b ≤ kMostPairWeight; larger sums may saturate.
inline v128_t relaxed_dot_pairs(v128_t a, v128_t b) noexcept {
#ifdef __wasm__
  return wasm_i16x8_relaxed_dot_i8x16_i7x16(a, b);
#else
  const auto [lo, hi] = native_dot_pairs(a, b);
  return wasm_i16x8_narrow_i32x4(lo, hi);
#endif
}

/// c plus the sums of four neighbouring products of bytes, read alike.
inline v128_t relaxed_dot_add(v128_t a, v128_t b, v128_t c) noexcept {
#ifdef __wasm__
  return wasm_i32x4_relaxed_dot_i8x16_i7x16_add(a, b, c);
#else
  const auto [lo, hi] = native_dot_pairs(a, b);
  return wasm_i32x4_add(c, wasm_i32x4_add(wasm_i32x4_shuffle(lo, hi, 0, 2, 4, 6),
                                          wasm_i32x4_shuffle(lo, hi, 1, 3, 5, 7)));
#endif
}

} // namespace octet::kernels
