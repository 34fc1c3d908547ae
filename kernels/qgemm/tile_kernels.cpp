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

WidePanels::WidePanels(const QTile& tile, size_t rows) noexcept
    : panel_elements_(std::max<size_t>(1, packed_panel_bytes(tile.taps, tile.k))),
      widens_(rows >= 32 && panel_elements_ <= kElements) {
  constexpr size_t kBlockBytes = 256 * 1024;
  const size_t room = widens_ ? kElements / 2 : kBlockBytes;
  columns_ = std::max<size_t>(1, room / panel_elements_) * kPanelWidth;
}

void WidePanels::load(QTile& tile) noexcept {
  if (!widens_) return;
  const size_t panels = (tile.column_end - tile.column_begin + kPanelWidth - 1) / kPanelWidth;
  kernel_table().widen_s8(tile.b + tile.column_begin / kPanelWidth * panel_elements_,
                          panels * panel_elements_, 0, wide_);
  tile.wide = wide_;
}

} // namespace octet::kernels
