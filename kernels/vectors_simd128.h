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
