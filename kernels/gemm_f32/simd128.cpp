#include "kernels/dispatch.h"
#include "kernels/gemm_f32/tile_simd128.h"

namespace octet::kernels {
namespace {

struct Math {
  static v128_t multiply_add(v128_t a, v128_t b, v128_t c) noexcept {
    return wasm_f32x4_add(wasm_f32x4_mul(a, b), c);
  }
};

void add_products(V8& acc, v128_t a, const V8& b) noexcept {
  acc.lo = Math::multiply_add(a, b.lo, acc.lo);
  acc.hi = Math::multiply_add(a, b.hi, acc.hi);
}

/// Adds the products of one tap, those of even and of odd k apart, and returns the end of its
/// weights.
const float* add_tap(V8& even, V8& odd, const float* a, const float* b, size_t k) noexcept {
  for (const float* end = b + k / 2 * 2 * kFPanelWidth; b != end; b += 2 * kFPanelWidth) {
    add_products(even, wasm_v128_load32_splat(a), load_v8(b));
    add_products(odd, wasm_v128_load32_splat(a + 1), load_v8(b + kFPanelWidth));
    a += 2;
  }
  if (k % 2 == 0) return b;
  add_products(even, wasm_v128_load32_splat(a), load_v8(b));
  return b + kFPanelWidth;
}

/// Columns [n, n + 8 · kPanels).
template <size_t kPanels>
void run_panels(const FTile& tile, const FOutputStep& output, size_t n) noexcept {
  const size_t panel = tile.taps * tile.k * kFPanelWidth;
  const float* b = tile.b + n / kFPanelWidth * panel;
  const v128_t zero = wasm_f32x4_splat(0);
  V8 acc[kPanels];
  for (V8& a : acc) a = {zero, zero};
  for (size_t t = 0; t < tile.taps; ++t) {
    const float* a = tile.a[t * kFTileRows];
    for (size_t k = 0; k < tile.k; ++k, b += kFPanelWidth) {
      const v128_t value = wasm_v128_load32_splat(a + k);
      for (size_t p = 0; p < kPanels; ++p) add_products(acc[p], value, load_v8(b + p * panel));
    }
  }
  for (size_t p = 0; p < kPanels; ++p) {
    V8 sums[] = {acc[p]};
    output.store(sums, n + p * kFPanelWidth, tile.c);
  }
}

void run_as_stream(const FTile& tile, const FOutputStep& output) noexcept {
  const float* b = tile.b + tile.column_begin * tile.taps * tile.k;
  const v128_t zero = wasm_f32x4_splat(0);
  for (size_t n = tile.column_begin; n < tile.column_end; n += kFPanelWidth) {
    V8 even{zero, zero}, odd{zero, zero};
    for (size_t t = 0; t < tile.taps; ++t)
      b = add_tap(even, odd, tile.a[t * kFTileRows], b, tile.k);
    V8 sums[] = {{wasm_f32x4_add(even.lo, odd.lo), wasm_f32x4_add(even.hi, odd.hi)}};
    output.store(sums, n, tile.c);
  }
}

} // namespace

void f32_gemm_4x8_simd128(const FTile& tile) noexcept {
  run_four_rows<Math>(tile);
}

void f32_gemv_1x24_simd128(const FTile& tile) noexcept {
  constexpr size_t kPanels = 3;
  const FOutputStep output(tile);
  if (tile.is_streamed) return run_as_stream(tile, output);
  size_t n = tile.column_begin;
  for (; n + (kPanels - 1) * kFPanelWidth < tile.column_end; n += kPanels * kFPanelWidth)
    run_panels<kPanels>(tile, output, n);
  if (n + kFPanelWidth < tile.column_end)
    run_panels<2>(tile, output, n);
  else if (n < tile.column_end)
    run_panels<1>(tile, output, n);
}

} // namespace octet::kernels
