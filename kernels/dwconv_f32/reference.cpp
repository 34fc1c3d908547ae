#include <algorithm>

#include "kernels/dispatch.h"

namespace octet::kernels {

void f32_dwconv_4x4_reference(const FDwTile& tile) noexcept {
  for (size_t p = 0; p < tile.pixels; ++p)
    for (size_t c = 0; c < tile.channels; ++c) {
      float sum = 0;
      for (size_t ky = 0; ky < tile.rows; ++ky)
        for (size_t kx = 0; kx < tile.columns; ++kx)
          sum += tile.x[p * tile.x_pixel + ky * tile.x_row + kx * tile.x_column + c] *
                 tile.w[ky * tile.w_row + kx * tile.channels + c];
      if (tile.params.bias) sum += tile.params.bias[c];
      tile.y[p * tile.y_pixel + c] = std::min(std::max(sum, tile.params.lo), tile.params.hi);
    }
}

} // namespace octet::kernels
