// How a convolution is cut into Winograd tiles of four output pixels: 2x2 of a 3x3 convolution,
// which read 4x4 input pixels, and four in a line of a 3x1 or 1x3 one, which read six. Tiles are
// counted row by row over the batch; those at the end of a side may reach beyond it.
#pragma once

#include "kernels/conv_shape.h"

namespace octet::kernels {

inline constexpr size_t kWinogradOutputs = 4;

/// The input pixels of a tile, and the products that its outputs are made of.
inline constexpr size_t kWinogradPositions = 16, kWinogradLinePositions = 6;

struct WinogradTiles {
  bool is_line;
  size_t out_h, out_w; // pixels of a tile
  size_t in_h, in_w, positions;
  size_t rows, columns; // of tiles in one image

  explicit WinogradTiles(const ConvShape& shape) noexcept
      : is_line(tap_count(shape) == 3), out_h(side(shape.kernel_h)), out_w(side(shape.kernel_w)),
        in_h(out_h + shape.kernel_h - 1), in_w(out_w + shape.kernel_w - 1), positions(in_h * in_w),
        rows((shape.out_h + out_h - 1) / out_h), columns((shape.out_w + out_w - 1) / out_w) {}

  size_t per_image() const noexcept { return rows * columns; }

private:
  size_t side(size_t kernel) const noexcept {
    if (kernel == 1) return 1;
    return is_line ? kWinogradOutputs : 2;
  }
};

} // namespace octet::kernels
