// Strips of four pixels share what they load: where pixels are one or two columns of taps apart and
// kernels have the usual widths, a column of the image meets all the taps that see it at once.
#include "kernels/dispatch.h"
#include "kernels/math_simd128.h"

namespace octet::kernels {
namespace {

/// Σ x · w of kPixels pixels for four channels; x and w point at the first pixel's first tap.
/// kColumns taps in a row, kStride columns of the image between pixels.
template <size_t kColumns, size_t kStride>
struct SharedColumns {
  static constexpr size_t kPixels = 4;

  static void add(const FDwTile& tile, const float* x_row, const float* w,
                  v128_t (&sums)[kPixels]) noexcept {
    for (size_t ky = 0; ky < tile.rows; ++ky, x_row += tile.x_row, w += tile.w_row) {
      v128_t weights[kColumns];
      for (size_t k = 0; k < kColumns; ++k) weights[k] = wasm_v128_load(w + k * tile.channels);
      const float* x = x_row;
      for (size_t column = 0; column < (kPixels - 1) * kStride + kColumns; ++column) {
        const v128_t value = wasm_v128_load(x);
        for (size_t i = 0; i < kPixels; ++i)
          if (i * kStride <= column && column < i * kStride + kColumns)
            sums[i] = multiply_add(value, weights[column - i * kStride], sums[i]);
        x += tile.x_column;
      }
    }
  }
};

/// As SharedColumns, for any taps and strides.
template <size_t kPixelCount>
struct AnyColumns {
  static constexpr size_t kPixels = kPixelCount;

  static void add(const FDwTile& tile, const float* x_row, const float* w_row,
                  v128_t (&sums)[kPixels]) noexcept {
    for (size_t ky = 0; ky < tile.rows; ++ky, x_row += tile.x_row, w_row += tile.w_row) {
      const float* x = x_row;
      const float* w = w_row;
      for (size_t kx = 0; kx < tile.columns; ++kx, x += tile.x_column, w += tile.channels) {
        const v128_t weight = wasm_v128_load(w);
        for (size_t i = 0; i < kPixels; ++i)
          sums[i] = multiply_add(wasm_v128_load(x + i * tile.x_pixel), weight, sums[i]);
      }
    }
  }
};

v128_t finish(v128_t sum, const FOutputParams& params, v128_t bias) noexcept {
  sum = wasm_f32x4_add(sum, bias);
  return wasm_f32x4_pmin(wasm_f32x4_pmax(sum, splat(params.lo)), splat(params.hi));
}

/// The pixels from p on that fill strips, whole vectors of channels. Returns the first pixel left.
template <class Strip>
size_t run_strips(const FDwTile& tile, size_t p) noexcept {
  const FOutputParams params = tile.params;
  for (; p + Strip::kPixels <= tile.pixels; p += Strip::kPixels) {
    const float* x = tile.x + p * tile.x_pixel;
    float* y = tile.y + p * tile.y_pixel;
    for (size_t c = 0; c + 4 <= tile.channels; c += 4) {
      v128_t sums[Strip::kPixels];
      for (v128_t& sum : sums) sum = splat(0.0f);
      Strip::add(tile, x + c, tile.w + c, sums);
      const v128_t bias = params.bias ? wasm_v128_load(params.bias + c) : splat(-0.0f);
      for (size_t i = 0; i < Strip::kPixels; ++i)
        wasm_v128_store(y + i * tile.y_pixel + c, finish(sums[i], params, bias));
    }
  }
  return p;
}

size_t run_full_strips(const FDwTile& tile) noexcept {
  if (tile.x_pixel == tile.x_column) {
    if (tile.columns == 3) return run_strips<SharedColumns<3, 1>>(tile, 0);
    if (tile.columns == 5) return run_strips<SharedColumns<5, 1>>(tile, 0);
  } else if (tile.x_pixel == 2 * tile.x_column) {
    if (tile.columns == 3) return run_strips<SharedColumns<3, 2>>(tile, 0);
    if (tile.columns == 5) return run_strips<SharedColumns<5, 2>>(tile, 0);
  }
  return run_strips<AnyColumns<4>>(tile, 0);
}

void run_channel(const FDwTile& tile, size_t p, size_t c) noexcept {
  v128_t sum = splat(0.0f);
  for (size_t ky = 0; ky < tile.rows; ++ky) {
    const float* x = tile.x + p * tile.x_pixel + ky * tile.x_row + c;
    const float* w = tile.w + ky * tile.w_row + c;
    for (size_t kx = 0; kx < tile.columns; ++kx, x += tile.x_column, w += tile.channels)
      sum = multiply_add(wasm_v128_load32_splat(x), wasm_v128_load32_splat(w), sum);
  }
  const v128_t bias =
      tile.params.bias ? wasm_v128_load32_splat(tile.params.bias + c) : splat(-0.0f);
  wasm_v128_store32_lane(tile.y + p * tile.y_pixel + c, finish(sum, tile.params, bias), 0);
}

} // namespace

void f32_dwconv_4x4_simd128(const FDwTile& tile) noexcept {
  run_strips<AnyColumns<1>>(tile, run_full_strips(tile));
  for (size_t p = 0; p < tile.pixels; ++p)
    for (size_t c = tile.channels / 4 * 4; c < tile.channels; ++c) run_channel(tile, p, c);
}

} // namespace octet::kernels
