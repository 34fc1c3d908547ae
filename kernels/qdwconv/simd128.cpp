#include "kernels/dispatch.h"
#include "kernels/qgemm/output_simd128.h"

namespace octet::kernels {
namespace {

/// Reads 8 channels of a pixel, or the first `channels` of them.
template <bool kWhole>
v128_t load_channels(const int16_t* x, size_t channels) noexcept {
  if constexpr (kWhole) return wasm_v128_load(x);
  int16_t first[kPanelWidth] = {};
  for (size_t c = 0; c < channels; ++c) first[c] = x[c];
  return wasm_v128_load(first);
}

void add_products(V8& acc, v128_t even, v128_t odd, const V8& w) noexcept {
  const v128_t lo = wasm_i16x8_shuffle(even, odd, 0, 8, 1, 9, 2, 10, 3, 11);
  const v128_t hi = wasm_i16x8_shuffle(even, odd, 4, 12, 5, 13, 6, 14, 7, 15);
  acc.lo = wasm_i32x4_add(acc.lo, wasm_i32x4_dot_i16x8(lo, w.lo));
  acc.hi = wasm_i32x4_add(acc.hi, wasm_i32x4_dot_i16x8(hi, w.hi));
}

/// Channels [c, c + 8), or up to the last one if kWhole is false.
template <QOutput kOutput, bool kWhole>
void run_panel(const QDwTile& tile, const OutputStep<kOutput>& output, size_t c,
               const int16_t* w) noexcept {
  const v128_t zero = wasm_i32x4_splat(0);
  V8 acc[kDwTilePixels];
  for (V8& pixel : acc) pixel = {zero, zero};
  const size_t left = tile.channels - c;
  const int16_t* const* even = tile.x;
  const int16_t* end = w + tile.tap_pairs * 2 * kPanelWidth;
  for (; w != end; w += 2 * kPanelWidth) {
    const V8 weights = load_v8(w);
    const int16_t* const* odd = even + kDwTilePixels;
    for (size_t p = 0; p < kDwTilePixels; ++p)
      add_products(acc[p], load_channels<kWhole>(even[p] + c, left),
                   load_channels<kWhole>(odd[p] + c, left), weights);
    even = odd + kDwTilePixels;
  }
  output.store(acc, nullptr, c, tile.channels, tile.y);
}

template <QOutput kOutput>
void run_tile(const QDwTile& tile) noexcept {
  const OutputStep<kOutput> output(*tile.params);
  const int16_t* w = tile.w;
  size_t c = 0;
  for (; c + kPanelWidth <= tile.channels; c += kPanelWidth) {
    run_panel<kOutput, true>(tile, output, c, w);
    w += tile.tap_pairs * 2 * kPanelWidth;
  }
  if (c < tile.channels) run_panel<kOutput, false>(tile, output, c, w);
}

} // namespace

void qs16_qc16w_dwconv_i32_4x8_simd128(const QDwTile& tile) noexcept {
  run_tile<QOutput::i32>(tile);
}
void qs16_qc16w_dwconv_f32_4x8_simd128(const QDwTile& tile) noexcept {
  run_tile<QOutput::f32>(tile);
}
void qs16_qc16w_dwconv_u8_4x8_simd128(const QDwTile& tile) noexcept {
  run_tile<QOutput::u8>(tile);
}
void qs16_qc16w_dwconv_s8_4x8_simd128(const QDwTile& tile) noexcept {
  run_tile<QOutput::s8>(tile);
}
void qs16_qc16w_dwconv_s16_4x8_simd128(const QDwTile& tile) noexcept {
  run_tile<QOutput::s16>(tile);
}

} // namespace octet::kernels
