// The tile of four rows for SIMD instruction sets that differ in how they multiply and add:
// Math::multiply_add(a, b, c) gives a · b + c.
#pragma once

#include "kernels/gemm_f32/tile.h"
#include "kernels/qgemm/output_simd128.h"

namespace octet::kernels {

/// The output step with its constants in registers.
class FOutputStep {
public:
  explicit FOutputStep(const FTile& tile) noexcept
      : bias_(tile.params.bias), lo_(wasm_f32x4_splat(tile.params.lo)),
        hi_(wasm_f32x4_splat(tile.params.hi)), column_end_(tile.column_end) {}

  /// Stores the columns [n, n + 8) that lie before the end. NaN passes through the clamp.
  template <size_t kRows>
  [[clang::always_inline]] void store(V8 (&acc)[kRows], size_t n, float* const* c) const noexcept {
    if (bias_) {
      const V8 bias = load_v8(bias_ + n);
      for (V8& row : acc) row = {wasm_f32x4_add(row.lo, bias.lo), wasm_f32x4_add(row.hi, bias.hi)};
    }
    for (V8& row : acc) row = {clamp(row.lo), clamp(row.hi)};
    if (n + kFPanelWidth <= column_end_)
      for (size_t r = 0; r < kRows; ++r)
        store_columns<QOutput::f32>(acc[r], reinterpret_cast<char*>(c[r] + n));
    else
      for (size_t r = 0; r < kRows; ++r)
        store_first_columns<QOutput::f32>(acc[r], column_end_ - n,
                                          reinterpret_cast<char*>(c[r] + n));
  }

private:
  v128_t clamp(v128_t x) const noexcept { return wasm_f32x4_pmin(wasm_f32x4_pmax(x, lo_), hi_); }

  const float* bias_;
  v128_t lo_;
  v128_t hi_;
  size_t column_end_;
};

/// Adds the products of one tap and returns the end of its weights.
template <class Math>
const float* add_tap(V8 (&acc)[kFTileRows], const float* const* rows, const float* b,
                     size_t k) noexcept {
  const float* a[kFTileRows] = {rows[0], rows[1], rows[2], rows[3]};
  for (; k > 0; --k, b += kFPanelWidth) {
    const V8 weights = load_v8(b);
    for (size_t r = 0; r < kFTileRows; ++r) {
      const v128_t value = wasm_v128_load32_splat(a[r]++);
      acc[r].lo = Math::multiply_add(value, weights.lo, acc[r].lo);
      acc[r].hi = Math::multiply_add(value, weights.hi, acc[r].hi);
    }
  }
  return b;
}

template <class Math>
void run_four_rows(const FTile& tile) noexcept {
  const FOutputStep output(tile);
  const float* b = tile.b + tile.column_begin * tile.taps * tile.k;
  const v128_t zero = wasm_f32x4_splat(0);
  for (size_t n = tile.column_begin; n < tile.column_end; n += kFPanelWidth) {
    V8 acc[kFTileRows] = {{zero, zero}, {zero, zero}, {zero, zero}, {zero, zero}};
    for (size_t t = 0; t < tile.taps; ++t)
      b = add_tap<Math>(acc, tile.a + t * kFTileRows, b, tile.k);
    output.store(acc, n, tile.c);
  }
}

} // namespace octet::kernels
