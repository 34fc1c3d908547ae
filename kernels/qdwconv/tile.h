// The depthwise tile under qdwconv: a few output pixels, all channels.
//
// Packed weights (written by pack_dwconv_weights): for each group of 8 channels, for each pair of
// taps: 8 channels × 2 taps of int16, 32 bytes; the tap count is padded to even with zeros and the
// channels to a multiple of 8. Interleaving two taps of x the same way makes i32x4.dot of it.
#pragma once

#include "kernels/qgemm/output.h"

namespace octet::kernels {

/// Output pixels that one call of a depthwise tile computes.
inline constexpr size_t kDwTilePixels = 4;

/// Pixels past the last real one repeat it, in `x` as in `y`. A padding tap (to make the count
/// even) points at any readable pixel.
struct QDwTile {
  const int16_t* const* x =
      nullptr; // [tap_pairs · 2][kDwTilePixels], each readable for `channels` elements
  size_t tap_pairs = 0;
  size_t channels = 0;
  const int16_t* w = nullptr;
  void* y[kDwTilePixels] = {};
  const QOutputParams* params = nullptr; // w_zero is null
};

using QDwTileFn = void(const QDwTile& tile) noexcept;

} // namespace octet::kernels
