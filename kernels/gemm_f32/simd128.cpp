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

/// Columns [n, n + 8) and those of kPanels − 1 more panels that lie `apart` panels from one
/// another.
template <size_t kPanels>
void run_panels(const FTile& tile, const FOutputStep& output, size_t n, size_t apart) noexcept {
  const size_t panel = tile.taps * tile.k * kFPanelWidth, distance = apart * panel;
  const float* b = tile.b + n / kFPanelWidth * panel;
  const v128_t zero = wasm_f32x4_splat(0);
  V8 acc[kPanels];
  for (V8& a : acc) a = {zero, zero};
  for (size_t t = 0; t < tile.taps; ++t) {
    const float* a = tile.a[t * kFTileRows];
    for (size_t k = 0; k < tile.k; ++k, b += kFPanelWidth) {
      const v128_t value = wasm_v128_load32_splat(a + k);
      for (size_t p = 0; p < kPanels; ++p) add_products(acc[p], value, load_v8(b + p * distance));
    }
  }
  for (size_t p = 0; p < kPanels; ++p) {
    V8 sums[] = {acc[p]};
    output.store(sums, n + p * apart * kFPanelWidth, tile.c);
  }
}

} // namespace

void f32_gemm_4x8_simd128(const FTile& tile) noexcept {
  run_four_rows<Math>(tile);
}

// Three streams, each a third of the weights long: far apart, they come faster from memory than a
// single one, and from a cache faster than neighbouring panels.
void f32_gemv_1x24_simd128(const FTile& tile) noexcept {
  const FOutputStep output(tile);
  const size_t panels = (tile.column_end - tile.column_begin + kFPanelWidth - 1) / kFPanelWidth;
  const size_t apart = (panels + 2) / 3;
  for (size_t i = 0; i < apart; ++i) {
    const size_t n = tile.column_begin + i * kFPanelWidth;
    if (i + 2 * apart < panels)
      run_panels<3>(tile, output, n, apart);
    else if (i + apart < panels)
      run_panels<2>(tile, output, n, apart);
    else
      run_panels<1>(tile, output, n, apart);
  }
}

} // namespace octet::kernels
