#include "kernels/qgemm/tile_kernels.h"

#include <algorithm>

#include "kernels/dispatch.h"
#include "kernels/qgemm/pack.h"

namespace octet::kernels {

TileKernels tile_kernels(QOutput output) noexcept {
  const KernelTable& table = kernel_table();
  switch (output) {
  case QOutput::i32:
    return {table.qgemm_i32, table.qgemv_i32};
  case QOutput::f32:
    return {table.qgemm_f32, table.qgemv_f32};
  case QOutput::u8:
    return {table.qgemm_u8, table.qgemv_u8};
  case QOutput::s8:
    return {table.qgemm_s8, table.qgemv_s8};
  case QOutput::s16:
    return {table.qgemm_s16, table.qgemv_s16};
  }
  return {};
}

void set_output_rows(QTile& tile, void* c, size_t stride, QOutput output, size_t rows) noexcept {
  const size_t row_bytes = stride * output_bytes(output);
  for (size_t r = 0; r < kTileRows; ++r)
    tile.c[r] = static_cast<char*>(c) + (r < rows ? r : rows - 1) * row_bytes;
}

void set_row_sums(QTile& tile, size_t rows) noexcept {
  if (!tile.params->w_zero) return;
  QRowSumFn* row_sum = kernel_table().qgemm_row_sum;
  for (size_t r = 0; r < kTileRows; ++r) {
    tile.row_sum[r] = r < rows ? 0 : tile.row_sum[rows - 1];
    if (r >= rows) continue;
    for (size_t t = 0; t < tile.taps; ++t)
      tile.row_sum[r] += row_sum(tile.a[t * kTileRows + r], tile.k);
  }
}

size_t columns_per_block(size_t taps, size_t k) noexcept {
  constexpr size_t kBlockBytes = 256 * 1024;
  return std::max<size_t>(1, kBlockBytes / packed_panel_bytes(taps, k)) * kPanelWidth;
}

} // namespace octet::kernels
