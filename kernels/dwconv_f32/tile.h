// The float depthwise tile under dwconv_f32: a few output pixels, all channels. Packed weights
// (written by pack_f32_dwconv_weights): [taps][channels].
#pragma once

#include "kernels/gemm_f32/tile.h"

namespace octet::kernels {

/// Output pixels that one call computes.
inline constexpr size_t kFDwTilePixels = 2;

/// Pixels past the last real one repeat it, in `x` as in `y`.
struct FDwTile {
  const float* const* x = nullptr; // [taps][kFDwTilePixels], each readable for `channels` elements
  size_t taps = 0;
  size_t channels = 0;
  const float* w = nullptr;
  float* y[kFDwTilePixels] = {};
  FOutputParams params = {}; // bias holds `channels` values
};

using FDwTileFn = void(const FDwTile& tile) noexcept;

} // namespace octet::kernels
