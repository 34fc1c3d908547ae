// How a convolution is cut into Winograd tiles: 2x2 output pixels that read 4x4 input pixels. Tiles
// are counted row by row over the batch; those at the end of an odd side reach beyond it.
#pragma once

#include "kernels/conv_shape.h"

namespace octet::kernels {

inline constexpr size_t kWinogradOutputs = 2, kWinogradInputs = 4, kWinogradPositions = 16;

struct WinogradTiles {
  size_t rows, columns; // in one image

  explicit WinogradTiles(const ConvShape& shape) noexcept
      : rows((shape.out_h + 1) / kWinogradOutputs), columns((shape.out_w + 1) / kWinogradOutputs) {}

  size_t per_image() const noexcept { return rows * columns; }
};

} // namespace octet::kernels
