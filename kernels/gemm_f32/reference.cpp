#include <algorithm>

#include "kernels/dispatch.h"

namespace octet::kernels {
namespace {

void run_rows(const FTile& tile, size_t rows) noexcept {
  for (size_t n = tile.column_begin; n < tile.column_end; ++n) {
    const float* panel = tile.b + n / kFPanelWidth * kFPanelWidth * tile.taps * tile.k;
    for (size_t r = 0; r < rows; ++r) {
      float sum = 0;
      for (size_t t = 0; t < tile.taps; ++t)
        for (size_t k = 0; k < tile.k; ++k)
          sum += tile.a[t * kFTileRows + r][k] *
                 panel[(t * tile.k + k) * kFPanelWidth + n % kFPanelWidth];
      if (tile.params.bias) sum += tile.params.bias[n];
      tile.c[r][n] = std::min(std::max(sum, tile.params.lo), tile.params.hi);
    }
  }
}

} // namespace

void f32_gemm_4x8_reference(const FTile& tile) noexcept {
  run_rows(tile, kFTileRows);
}
void f32_gemv_1x24_reference(const FTile& tile) noexcept {
  run_rows(tile, 1);
}

} // namespace octet::kernels
