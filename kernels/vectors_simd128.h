// Whole and partial vectors in memory.
#pragma once

#include <cstddef>

#include "kernels/simd.h"

namespace octet::kernels {

/// Eight int32 or float lanes.
struct V8 {
  v128_t lo, hi;
};

inline V8 load_v8(const void* p) noexcept {
  return {wasm_v128_load(p), wasm_v128_load(static_cast<const char*>(p) + 16)};
}

inline v128_t swap_halves(v128_t v) noexcept {
  return wasm_i32x4_shuffle(v, v, 2, 3, 0, 1);
}
inline v128_t swap_neighbours(v128_t v) noexcept {
  return wasm_i32x4_shuffle(v, v, 1, 0, 3, 2);
}

/// Two of four floats as doubles.
inline v128_t lower_doubles(v128_t x) noexcept {
  return wasm_f64x2_promote_low_f32x4(x);
}
inline v128_t upper_doubles(v128_t x) noexcept {
  return wasm_f64x2_promote_low_f32x4(swap_halves(x));
}

/// The sum of the doubles of two vectors.
inline double sum_doubles(v128_t a, v128_t b) noexcept {
  const v128_t sum = wasm_f64x2_add(a, b);
  return wasm_f64x2_extract_lane(sum, 0) + wasm_f64x2_extract_lane(sum, 1);
}

/// The sum of all four lanes, in each.
inline v128_t horizontal_sum(v128_t v) noexcept {
  v = wasm_f32x4_add(v, swap_halves(v));
  return wasm_f32x4_add(v, swap_neighbours(v));
}

/// Stores the first `bytes` (< 16) of v.
inline void store_first_bytes(v128_t v, size_t bytes, char* to) noexcept {
  if (bytes & 8) {
    wasm_v128_store64_lane(to, v, 0);
    v = wasm_i64x2_shuffle(v, v, 1, 1);
    to += 8;
  }
  if (bytes & 4) {
    wasm_v128_store32_lane(to, v, 0);
    v = wasm_u64x2_shr(v, 32);
    to += 4;
  }
  if (bytes & 2) {
    wasm_v128_store16_lane(to, v, 0);
    v = wasm_u64x2_shr(v, 16);
    to += 2;
  }
  if (bytes & 1) wasm_v128_store8_lane(to, v, 0);
}

/// The first n (<= 4) floats, then zeros.
inline v128_t load_first_floats(const float* x, size_t n) noexcept {
  float lanes[4] = {};
  for (size_t i = 0; i < n; ++i) lanes[i] = x[i];
  return wasm_v128_load(lanes);
}

/// Stores the first n (< 4) floats.
inline void store_first_floats(v128_t v, size_t n, float* y) noexcept {
  store_first_bytes(v, n * sizeof(float), reinterpret_cast<char*>(y));
}

} // namespace octet::kernels
