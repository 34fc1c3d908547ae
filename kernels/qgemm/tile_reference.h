// The matrix tile of tile.h, written for reading; qgemm and qgemv instantiate it.
#pragma once

#include "kernels/qgemm/output_reference.h"
#include "kernels/qgemm/pack.h"
#include "kernels/qgemm/tile.h"

namespace octet::kernels {

inline int32_t tile_dot_reference(const QTile& tile, size_t row, size_t n) noexcept {
  const int16_t* wide = tile.wide;
  const size_t tap_elements = packed_panel_bytes(1, tile.k);
  const size_t panel = (wide ? n - tile.column_begin : n) / kPanelWidth;
  const size_t column = panel * tile.taps * tap_elements + n % kPanelWidth * 2;
  int32_t acc = 0;
  for (size_t t = 0; t < tile.taps; ++t) {
    const int16_t* a = tile.a[t * kTileRows + row];
    for (size_t k = 0; k < tile.k; ++k) {
      const size_t at = column + t * tap_elements + k / 2 * 2 * kPanelWidth + k % 2;
      acc = wrap_add(acc, a[k] * (wide ? wide[at] : tile.b[at]));
    }
  }
  return acc;
}

template <QOutput kOutput, size_t kRows>
void run_tile_reference(const QTile& tile) noexcept {
  for (size_t row = 0; row < kRows; ++row)
    for (size_t n = tile.column_begin; n < tile.column_end; ++n)
      store_output_reference<kOutput>(tile_dot_reference(tile, row, n), tile.row_sum[row], n,
                                      *tile.params, tile.c[row]);
}

} // namespace octet::kernels
