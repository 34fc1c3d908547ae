// The tiles for SIMD instruction sets that differ in how they multiply and add:
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

/// Columns [n, n + 8) of one row and those of kPanels − 1 more panels that lie `apart` panels from
/// one another.
template <class Math, size_t kPanels>
[[clang::always_inline]] void run_panels(const FTile& tile, const FOutputStep& output, size_t n,
                                         size_t apart) noexcept {
  const size_t panel = tile.taps * tile.k * kFPanelWidth, distance = apart * panel;
  const float* b = tile.b + n / kFPanelWidth * panel;
  const v128_t zero = wasm_f32x4_splat(0);
  V8 acc[kPanels];
  for (V8& a : acc) a = {zero, zero};
  for (size_t t = 0; t < tile.taps; ++t) {
    const float* a = tile.a[t * kFTileRows];
    for (size_t k = 0; k < tile.k; ++k, b += kFPanelWidth) {
      const v128_t value = wasm_v128_load32_splat(a + k);
#pragma clang loop unroll(full)
      for (size_t p = 0; p < kPanels; ++p) {
        const V8 weights = load_v8(b + p * distance);
        acc[p].lo = Math::multiply_add(value, weights.lo, acc[p].lo);
        acc[p].hi = Math::multiply_add(value, weights.hi, acc[p].hi);
      }
    }
  }
#pragma clang loop unroll(full)
  for (size_t p = 0; p < kPanels; ++p) {
    V8 sums[] = {acc[p]};
    output.store(sums, n + p * apart * kFPanelWidth, tile.c);
  }
}

/// The same for as many of the panels as lie before `panels_left`.
template <class Math, size_t kPanels>
[[clang::always_inline]] void run_present_panels(const FTile& tile, const FOutputStep& output,
                                                 size_t n, size_t apart,
                                                 size_t panels_left) noexcept {
  if constexpr (kPanels > 1)
    if ((kPanels - 1) * apart >= panels_left)
      return run_present_panels<Math, kPanels - 1>(tile, output, n, apart, panels_left);
  run_panels<Math, kPanels>(tile, output, n, apart);
}

/// kStreams streams of weights, each that part of them long: far apart, they come faster from
/// memory than a single one, and from a cache faster than neighbouring panels.
template <class Math, size_t kStreams>
void run_streams(const FTile& tile) noexcept {
  const FOutputStep output(tile);
  const size_t panels = (tile.column_end - tile.column_begin + kFPanelWidth - 1) / kFPanelWidth;
  const size_t apart = (panels + kStreams - 1) / kStreams;
  for (size_t i = 0; i < apart; ++i)
    run_present_panels<Math, kStreams>(tile, output, tile.column_begin + i * kFPanelWidth, apart,
                                       panels - i);
}

/// One row. Weights that no second-level cache holds mostly come from memory, where two streams are
/// fastest.
template <class Math, size_t kCachedStreams>
void run_one_row(const FTile& tile) noexcept {
  constexpr size_t kCacheFloats = 2 * 1024 * 1024 / sizeof(float);
  if (tile.taps * tile.k * (tile.column_end - tile.column_begin) > kCacheFloats)
    run_streams<Math, 2>(tile);
  else
    run_streams<Math, kCachedStreams>(tile);
}

} // namespace octet::kernels
