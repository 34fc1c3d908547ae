#include <algorithm>

#include "kernels/dispatch.h"

namespace octet::kernels {

void f32_dwconv_2x8_reference(const FDwTile& tile) noexcept {
  for (size_t p = 0; p < kFDwTilePixels; ++p)
    for (size_t c = 0; c < tile.channels; ++c) {
      float sum = 0;
      for (size_t t = 0; t < tile.taps; ++t)
        sum += tile.x[t * kFDwTilePixels + p][c] * tile.w[t * tile.channels + c];
      if (tile.params.bias) sum += tile.params.bias[c];
      tile.y[p][c] = std::min(std::max(sum, tile.params.lo), tile.params.hi);
    }
}

} // namespace octet::kernels
