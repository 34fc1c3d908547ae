// The tiles of tile.h, for either form of interleaved rows: Product::add(sums, pixels, weights)
// adds the products of four channels.
#pragma once

#include "kernels/qdwconv/tile.h"
#include "kernels/qgemm/output_simd128.h"

namespace octet::kernels {

/// Adds the sums of kPixelCount pixels that lie kStride columns of taps apart, under rows of
/// kColumns taps: a column of the image meets all the taps that see it at once.
template <class Product, size_t kColumns, size_t kStride, size_t kPixelCount>
struct SharedColumns {
  static constexpr size_t kPixels = kPixelCount;

  [[clang::always_inline]] static void add(const QDwTile& tile, size_t at, const int16_t* w,
                                           v128_t (&sums)[kPixels]) noexcept {
    for (size_t r = 0; r < tile.row_groups; ++r, w += tile.w_row) {
      v128_t weights[kColumns];
      for (size_t k = 0; k < kColumns; ++k) weights[k] = wasm_v128_load(w + k * kDwElements);
      const int16_t* x = tile.x[r] + at;
      for (size_t column = 0; column < (kPixels - 1) * kStride + kColumns; ++column) {
        const v128_t pair = wasm_v128_load(x);
        for (size_t i = 0; i < kPixels; ++i)
          if (i * kStride <= column && column < i * kStride + kColumns)
            sums[i] = Product::add(sums[i], pair, weights[column - i * kStride]);
        x += tile.x_column;
      }
    }
  }
};

/// As SharedColumns, for any taps and strides.
template <class Product, size_t kPixelCount>
struct AnyColumns {
  static constexpr size_t kPixels = kPixelCount;

  [[clang::always_inline]] static void add(const QDwTile& tile, size_t at, const int16_t* w_row,
                                           v128_t (&sums)[kPixels]) noexcept {
    for (size_t r = 0; r < tile.row_groups; ++r, w_row += tile.w_row) {
      const int16_t* x = tile.x[r] + at;
      const int16_t* w = w_row;
      for (size_t k = 0; k < tile.columns; ++k, x += tile.x_column, w += kDwElements) {
        const v128_t weight = wasm_v128_load(w);
        for (size_t i = 0; i < kPixels; ++i)
          sums[i] = Product::add(sums[i], wasm_v128_load(x + i * tile.x_pixel), weight);
      }
    }
  }
};

/// Channels [c, c + 8) of a strip.
template <QOutput kOutput, class Strip>
[[clang::always_inline]] inline void run_panel(const QDwTile& tile,
                                               const OutputStep<kOutput>& output, size_t pixel,
                                               size_t c, void* const* y) noexcept {
  const V8 initial = output.initial(c);
  v128_t lo[Strip::kPixels], hi[Strip::kPixels];
  for (size_t i = 0; i < Strip::kPixels; ++i) {
    lo[i] = initial.lo;
    hi[i] = initial.hi;
  }
  const size_t at = pixel * tile.x_pixel + 2 * c;
  const int16_t* w = tile.w + c / kDwChannels * tile.w_channels;
  Strip::add(tile, at, w, lo);
  Strip::add(tile, at + kDwElements, w + tile.w_channels, hi);
  V8 acc[Strip::kPixels];
  for (size_t i = 0; i < Strip::kPixels; ++i) acc[i] = {lo[i], hi[i]};
  output.store_begun(acc, nullptr, c, tile.channels, y);
}

/// The pixels from `pixel` on that fill strips. Returns the first one left.
template <QOutput kOutput, class Strip>
[[clang::always_inline]] inline size_t run_strips(const QDwTile& tile, size_t pixel) noexcept {
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

template <QOutput kOutput, class Product>
size_t run_full_strips(const QDwTile& tile) noexcept {
  if (tile.x_pixel == tile.x_column) {
    if (tile.columns == 3) return run_strips<kOutput, SharedColumns<Product, 3, 1, 4>>(tile, 0);
    if (tile.columns == 5) return run_strips<kOutput, SharedColumns<Product, 5, 1, 4>>(tile, 0);
  } else if (tile.x_pixel == 2 * tile.x_column) {
    if (tile.columns == 3) return run_strips<kOutput, SharedColumns<Product, 3, 2, 3>>(tile, 0);
    if (tile.columns == 5) return run_strips<kOutput, SharedColumns<Product, 5, 2, 3>>(tile, 0);
  }
  return run_strips<kOutput, AnyColumns<Product, 4>>(tile, 0);
}

template <QOutput kOutput, class Product>
void run_tile(const QDwTile& tile) noexcept {
  run_strips<kOutput, AnyColumns<Product, 1>>(tile, run_full_strips<kOutput, Product>(tile));
}

} // namespace octet::kernels
