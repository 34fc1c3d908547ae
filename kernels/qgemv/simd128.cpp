#include "kernels/dispatch.h"
#include "kernels/qgemm/output_simd128.h"
#include "kernels/qgemm/pack.h"

namespace octet::kernels {
namespace {

void add_products(V8& acc, v128_t a, const int8_t* b) noexcept {
  acc.lo = wasm_i32x4_add(acc.lo, wasm_i32x4_dot_i16x8(a, wasm_i16x8_load8x8(b)));
  acc.hi = wasm_i32x4_add(acc.hi, wasm_i32x4_dot_i16x8(a, wasm_i16x8_load8x8(b + 8)));
}

/// Adds the products of one tap for kPanels neighbouring panels, whose weights lie panel_bytes
/// apart. An odd k is finished as in the 4x8 tile.
template <size_t kPanels>
void add_tap(V8 (&acc)[kPanels][1], const int16_t* a, const int8_t* b, size_t panel_bytes,
             size_t k) noexcept {
  for (; k >= 2; k -= 2, a += 2, b += 16) {
    const v128_t pair = wasm_v128_load32_splat(a);
    for (size_t p = 0; p < kPanels; ++p) add_products(acc[p][0], pair, b + p * panel_bytes);
  }
  if (k == 0) return;
  const v128_t last = wasm_v128_load16_splat(a);
  for (size_t p = 0; p < kPanels; ++p) add_products(acc[p][0], last, b + p * panel_bytes);
}

template <QOutput kOutput, size_t kPanels>
void run_panels(const QTile& tile, const OutputStep<kOutput>& output, size_t n) noexcept {
  const size_t tap_bytes = packed_panel_bytes(1, tile.k);
  const size_t panel_bytes = tile.taps * tap_bytes;
  const int8_t* b = tile.b + n / kPanelWidth * panel_bytes;
  const v128_t zero = wasm_i32x4_splat(0);
  V8 acc[kPanels][1];
  for (size_t p = 0; p < kPanels; ++p) acc[p][0] = {zero, zero};
  for (size_t t = 0; t < tile.taps; ++t, b += tap_bytes)
    add_tap<kPanels>(acc, tile.a[t * kTileRows], b, panel_bytes, tile.k);
  for (size_t p = 0; p < kPanels; ++p)
    output.store(acc[p], tile.row_sum, n + p * kPanelWidth, tile.column_end, tile.c);
}

template <QOutput kOutput>
void run_tile(const QTile& tile) noexcept {
  constexpr size_t kPanels = 4;
  const OutputStep<kOutput> output(*tile.params);
  size_t n = tile.column_begin;
  for (; n + (kPanels - 1) * kPanelWidth < tile.column_end; n += kPanels * kPanelWidth)
    run_panels<kOutput, kPanels>(tile, output, n);
  for (; n < tile.column_end; n += kPanelWidth) run_panels<kOutput, 1>(tile, output, n);
}

} // namespace

void qs16_qc8w_gemv_i32_1x32_simd128(const QTile& tile) noexcept {
  run_tile<QOutput::i32>(tile);
}
void qs16_qc8w_gemv_f32_1x32_simd128(const QTile& tile) noexcept {
  run_tile<QOutput::f32>(tile);
}
void qs16_qc8w_gemv_u8_1x32_simd128(const QTile& tile) noexcept {
  run_tile<QOutput::u8>(tile);
}
void qs16_qc8w_gemv_s8_1x32_simd128(const QTile& tile) noexcept {
  run_tile<QOutput::s8>(tile);
}
void qs16_qc8w_gemv_s16_1x32_simd128(const QTile& tile) noexcept {
  run_tile<QOutput::s16>(tile);
}

} // namespace octet::kernels
