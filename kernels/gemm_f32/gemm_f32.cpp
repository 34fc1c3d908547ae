#include "kernels/gemm_f32/gemm_f32.h"

#include <algorithm>
#include <cstring>

#include "kernels/dispatch.h"

namespace octet::kernels {

size_t packed_f32_elements(size_t n, size_t taps, size_t k) noexcept {
  return (n + kFPanelWidth - 1) / kFPanelWidth * kFPanelWidth * taps * k;
}

namespace {

/// One tap of a panel of `width` columns.
void pack_panel(const FWeights& w, const float* from, size_t width, float* packed) noexcept {
  if (w.k == 0) return;
  if (w.k_stride == 1 && width == kFPanelWidth)
    return kernel_table().transpose_32(from, w.n_stride, packed, kFPanelWidth, width, w.k);
  for (size_t k = 0; k < w.k; ++k, from += w.k_stride, packed += kFPanelWidth) {
    if (w.n_stride == 1 && width == kFPanelWidth) {
      std::memcpy(packed, from, kFPanelWidth * sizeof(float));
      continue;
    }
    for (size_t n = 0; n < width; ++n) packed[n] = from[static_cast<ptrdiff_t>(n) * w.n_stride];
    std::fill(packed + width, packed + kFPanelWidth, 0.0f);
  }
}

} // namespace

void pack_f32(const FWeights& w, float* packed) noexcept {
  for (size_t begin = 0; begin < w.n; begin += kFPanelWidth) {
    const float* from = w.data + static_cast<ptrdiff_t>(begin) * w.n_stride;
    for (size_t t = 0; t < w.taps; ++t, from += w.tap_stride, packed += w.k * kFPanelWidth)
      pack_panel(w, from, std::min(kFPanelWidth, w.n - begin), packed);
  }
}

void run_f32_tile(const FTile& tile, size_t rows) noexcept {
  (rows == 1 ? kernel_table().gemv_f32 : kernel_table().gemm_f32)(tile);
}

size_t f32_columns_per_block(size_t taps, size_t k) noexcept {
  constexpr size_t kCacheFloats = 256 * 1024 / sizeof(float);
  return std::max<size_t>(kCacheFloats / std::max<size_t>(taps * k, 1) / 32, 1) * 32;
}

void gemm_f32(const FGemm& args, size_t row_begin, size_t row_end) noexcept {
  // A single row passes by each column once.
  const bool is_vector = row_end - row_begin == 1;
  const size_t block = is_vector ? args.n : f32_columns_per_block(1, args.k);
  const float* a[kFTileRows];
  FTile tile{.a = a, .k = args.k, .b = args.b, .params = args.params};
  for (size_t n = 0; n < args.n; n += block) {
    tile.column_begin = n;
    tile.column_end = std::min(args.n, n + block);
    for (size_t row = row_begin; row < row_end; row += kFTileRows) {
      const size_t rows = std::min(kFTileRows, row_end - row);
      for (size_t r = 0; r < kFTileRows; ++r) {
        const size_t at = row + std::min(r, rows - 1);
        a[r] = args.a + at * args.a_stride;
        tile.c[r] = args.c + at * args.c_stride;
      }
      run_f32_tile(tile, rows);
    }
  }
}

FGemm columns_of(const FGemm& args, size_t begin, size_t end) noexcept {
  FGemm part = args;
  part.n = end - begin;
  part.b += packed_f32_elements(begin, 1, args.k);
  part.c += begin;
  if (part.params.bias) part.params.bias += begin;
  return part;
}

} // namespace octet::kernels
