#include "kernels/dispatch.h"
#include "kernels/qgemm/output_simd128.h"

namespace octet::kernels {
namespace {

void store_pairs(v128_t even, v128_t odd, int16_t* to) noexcept {
  wasm_v128_store(to, wasm_i16x8_shuffle(even, odd, 0, 8, 1, 9, 2, 10, 3, 11));
  wasm_v128_store(to + 8, wasm_i16x8_shuffle(even, odd, 4, 12, 5, 13, 6, 14, 7, 15));
}

/// The first n (< 8) elements, then zeros.
v128_t load_first(const int16_t* x, size_t n) noexcept {
  int16_t first[kPanelWidth] = {};
  for (size_t i = 0; i < n; ++i) first[i] = x[i];
  return wasm_v128_load(first);
}

template <bool kHasEven, bool kHasOdd>
void pair_rows(const QDwRowPair& rows) noexcept {
  const v128_t zero = wasm_i32x4_splat(0);
  const size_t whole = rows.channels / kPanelWidth * kPanelWidth, rest = rows.channels - whole;
  const int16_t *even = rows.even, *odd = rows.odd;
  int16_t* to = rows.to;
  for (size_t p = 0; p < rows.pixels; ++p) {
    size_t c = 0;
    for (; c < whole; c += kPanelWidth, to += 2 * kPanelWidth)
      store_pairs(kHasEven ? wasm_v128_load(even + c) : zero,
                  kHasOdd ? wasm_v128_load(odd + c) : zero, to);
    if (rest > 0) {
      store_pairs(kHasEven ? load_first(even + c, rest) : zero,
                  kHasOdd ? load_first(odd + c, rest) : zero, to);
      to += 2 * kPanelWidth;
    }
    if (kHasEven) even += rows.x_stride;
    if (kHasOdd) odd += rows.x_stride;
  }
}

v128_t add_product(v128_t sum, v128_t pair, v128_t weight) noexcept {
  return wasm_i32x4_add(sum, wasm_i32x4_dot_i16x8(pair, weight));
}

/// Adds the sums of kPixelCount pixels that lie kStride columns of taps apart, under rows of
/// kColumns taps: a column of the image meets all the taps that see it at once.
template <size_t kColumns, size_t kStride, size_t kPixelCount>
struct SharedColumns {
  static constexpr size_t kPixels = kPixelCount;

  static void add(const QDwTile& tile, size_t at, const int16_t* w,
                  v128_t (&sums)[kPixels]) noexcept {
    for (size_t r = 0; r < tile.row_pairs; ++r, w += tile.w_row) {
      v128_t weights[kColumns];
      for (size_t k = 0; k < kColumns; ++k) weights[k] = wasm_v128_load(w + k * kDwPairs);
      const int16_t* x = tile.x[r] + at;
      for (size_t column = 0; column < (kPixels - 1) * kStride + kColumns; ++column) {
        const v128_t pair = wasm_v128_load(x);
        for (size_t i = 0; i < kPixels; ++i)
          if (i * kStride <= column && column < i * kStride + kColumns)
            sums[i] = add_product(sums[i], pair, weights[column - i * kStride]);
        x += tile.x_column;
      }
    }
  }
};

/// As SharedColumns, for any taps and strides.
template <size_t kPixelCount>
struct AnyColumns {
  static constexpr size_t kPixels = kPixelCount;

  static void add(const QDwTile& tile, size_t at, const int16_t* w_row,
                  v128_t (&sums)[kPixels]) noexcept {
    for (size_t r = 0; r < tile.row_pairs; ++r, w_row += tile.w_row) {
      const int16_t* x = tile.x[r] + at;
      const int16_t* w = w_row;
      for (size_t k = 0; k < tile.columns; ++k, x += tile.x_column, w += kDwPairs) {
        const v128_t weight = wasm_v128_load(w);
        for (size_t i = 0; i < kPixels; ++i)
          sums[i] = add_product(sums[i], wasm_v128_load(x + i * tile.x_pixel), weight);
      }
    }
  }
};

/// Channels [c, c + 8) of a strip.
template <QOutput kOutput, class Strip>
void run_panel(const QDwTile& tile, const OutputStep<kOutput>& output, size_t pixel, size_t c,
               void* const* y) noexcept {
  const V8 initial = output.initial(c);
  v128_t lo[Strip::kPixels], hi[Strip::kPixels];
  for (size_t i = 0; i < Strip::kPixels; ++i) {
    lo[i] = initial.lo;
    hi[i] = initial.hi;
  }
  const size_t at = pixel * tile.x_pixel + 2 * c;
  const int16_t* w = tile.w + c / kDwChannels * tile.w_channels;
  Strip::add(tile, at, w, lo);
  Strip::add(tile, at + kDwPairs, w + tile.w_channels, hi);
  V8 acc[Strip::kPixels];
  for (size_t i = 0; i < Strip::kPixels; ++i) acc[i] = {lo[i], hi[i]};
  output.store_begun(acc, nullptr, c, tile.channels, y);
}

/// The pixels from `pixel` on that fill strips. Returns the first one left.
template <QOutput kOutput, class Strip>
size_t run_strips(const QDwTile& tile, size_t pixel) noexcept {
  const OutputStep<kOutput> output(*tile.params);
  for (; pixel + Strip::kPixels <= tile.pixels; pixel += Strip::kPixels) {
    void* y[Strip::kPixels];
    for (size_t i = 0; i < Strip::kPixels; ++i)
      y[i] = static_cast<char*>(tile.y) + (pixel + i) * tile.y_pixel;
    for (size_t c = 0; c < tile.channels; c += kPanelWidth)
      run_panel<kOutput, Strip>(tile, output, pixel, c, y);
  }
  return pixel;
}

template <QOutput kOutput>
size_t run_full_strips(const QDwTile& tile) noexcept {
  if (tile.x_pixel == tile.x_column) {
    if (tile.columns == 3) return run_strips<kOutput, SharedColumns<3, 1, 4>>(tile, 0);
    if (tile.columns == 5) return run_strips<kOutput, SharedColumns<5, 1, 4>>(tile, 0);
  } else if (tile.x_pixel == 2 * tile.x_column) {
    if (tile.columns == 3) return run_strips<kOutput, SharedColumns<3, 2, 3>>(tile, 0);
    if (tile.columns == 5) return run_strips<kOutput, SharedColumns<5, 2, 3>>(tile, 0);
  }
  return run_strips<kOutput, AnyColumns<4>>(tile, 0);
}

template <QOutput kOutput>
void run_tile(const QDwTile& tile) noexcept {
  run_strips<kOutput, AnyColumns<1>>(tile, run_full_strips<kOutput>(tile));
}

} // namespace

void x16_pair_rows_simd128(const QDwRowPair& rows) noexcept {
  if (rows.even && rows.odd) return pair_rows<true, true>(rows);
  if (rows.even) return pair_rows<true, false>(rows);
  if (rows.odd) return pair_rows<false, true>(rows);
  pair_rows<false, false>(rows);
}

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
