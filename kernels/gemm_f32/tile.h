// The float matrix tile under gemm_f32 and conv_f32: up to four output rows times a range of
// columns.
//
// As in kernels/qgemm/tile.h a row of the product is `taps` runs of `k` activations, each found
// through a pointer. Packed weights ("panels"): for each group of 8 columns, for each tap, for each
// k: 8 floats; n is padded to a multiple of 8 with zeros. Sums run over k in order, multiply and
// add rounded one by one (together, perhaps, with relaxed SIMD).
#pragma once

#include <cstddef>
#include <limits>

namespace octet::kernels {

inline constexpr size_t kFTileRows = 4;
inline constexpr size_t kFPanelWidth = 8;

/// y = clamp(sum + bias[n], lo, hi). A null bias is left out; it holds n rounded up to a panel.
struct FOutputParams {
  const float* bias = nullptr;
  float lo = -std::numeric_limits<float>::infinity();
  float hi = std::numeric_limits<float>::infinity();
};

/// Rows past the last real one repeat it, in `a` as in `c`. Tiles of one row (gemv_f32) read only
/// the first pointer of each tap.
struct FTile {
  const float* const* a = nullptr; // [taps][kFTileRows], each readable for k elements
  size_t taps = 1;
  size_t k = 0;
  const float* b = nullptr;  // packed weights, from column 0
  size_t column_begin = 0;   // multiple of kFPanelWidth
  size_t column_end = 0;     // a multiple of kFPanelWidth, or the last column of the matrix
  float* c[kFTileRows] = {}; // rows of the output, from column 0
  FOutputParams params = {};
};

using FTileFn = void(const FTile& tile) noexcept;

} // namespace octet::kernels
