// Loops over contiguous floats in vectors, for functions of four numbers at a time.
#pragma once

#include <cstddef>

#include "kernels/math_simd128.h"
#include "kernels/vectors_simd128.h"

namespace octet::kernels {

/// y[i] = f(x[i]); y may be x.
template <class F>
void map(const float* x, float* y, size_t n, F&& f) noexcept {
  size_t i = 0;
  for (; i + 8 <= n; i += 8) {
    const v128_t a = f(wasm_v128_load(x + i));
    const v128_t b = f(wasm_v128_load(x + i + 4));
    wasm_v128_store(y + i, a);
    wasm_v128_store(y + i + 4, b);
  }
  while (i < n) {
    const size_t rest = n - i < 4 ? n - i : 4;
    const v128_t v = rest == 4 ? wasm_v128_load(x + i) : load_first_floats(x + i, rest);
    const v128_t result = f(v);
    if (rest < 4) return store_first_floats(result, rest, y + i);
    wasm_v128_store(y + i, result);
    i += 4;
  }
}

} // namespace octet::kernels
