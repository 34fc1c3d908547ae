// The float depthwise tile under dwconv_f32: output pixels of one row that see the same taps, all
// channels. Packed weights (written by pack_f32_dwconv_weights): [taps][channels].
//
// Windows that reach into the padding come with fewer taps: those inside the image.
#pragma once

#include "kernels/gemm_f32/tile.h"

namespace octet::kernels {

/// Strides count elements.
struct FDwTile {
  const float* x = nullptr; // under the first tap of the first pixel
  size_t x_pixel = 0;       // from an output pixel to the next
  size_t x_row = 0;         // from a row of taps to the next
  size_t x_column = 0;      // from a tap to the next in its row
  size_t rows = 0;          // of taps
  size_t columns = 0;       // taps of a row
  const float* w = nullptr; // of the first tap; of the next in its row `channels` later
  size_t w_row = 0;         // from a row of taps to the next
  size_t channels = 0;
  size_t pixels = 0;
  float* y = nullptr;
  size_t y_pixel = 0;        // from an output pixel to the next
  FOutputParams params = {}; // bias holds `channels` values
};

using FDwTileFn = void(const FDwTile& tile) noexcept;

} // namespace octet::kernels
