#include "kernels/qgemm/tile_kernels.h"

#include <algorithm>

#include "kernels/dispatch.h"
#include "kernels/qdot/pack.h"
#include "kernels/qgemm/pack.h"

namespace octet::kernels {

TileKernels tile_kernels(QOutput output, bool byte_dot) noexcept {
  const KernelTable& table = kernel_table();
  const bool two_steps = byte_dot && byte_dot_steps() == ByteDotSteps::two;
#define OCTET_TILES(output)                                                                        \
  if (two_steps)                                                                                   \
    return {table.qdot7_gemm_##output, table.qdot7_gemv_##output, table.qdot7_row_sum};            \
  if (byte_dot) return {table.qdot_gemm_##output, table.qdot_gemv_##output, table.qdot_row_sum};   \
  return {table.qgemm_##output, table.qgemv_##output, table.qgemm_row_sum};
  switch (output) {
  case QOutput::i32:
    OCTET_TILES(i32)
  case QOutput::f32:
    OCTET_TILES(f32)
  case QOutput::u8:
    OCTET_TILES(u8)
  case QOutput::s8:
    OCTET_TILES(s8)
  case QOutput::s16:
    OCTET_TILES(s16)
  }
#undef OCTET_TILES
  return {};
}

void set_output_rows(QTile& tile, void* c, size_t stride, QOutput output, size_t rows) noexcept {
  const size_t row_bytes = stride * output_bytes(output);
  for (size_t r = 0; r < kTileRows; ++r)
    tile.c[r] = static_cast<char*>(c) + (r < rows ? r : rows - 1) * row_bytes;
}

void set_row_sums(QTile& tile, size_t rows, QRowSumFn* row_sum) noexcept {
  if (!tile.params->w_zero) return;
  for (size_t r = 0; r < kTileRows; ++r) {
    tile.row_sum[r] = r < rows ? 0 : tile.row_sum[rows - 1];
    if (r >= rows) continue;
    for (size_t t = 0; t < tile.taps; ++t)
      tile.row_sum[r] += row_sum(tile.a[t * kTileRows + r], tile.k);
  }
}

WidePanels::WidePanels(const QTile& tile, size_t rows, bool byte_dot) noexcept
    : panel_elements_(std::max<size_t>(1, byte_dot ? packed_dot_panel_bytes(tile.taps, tile.k)
                                                   : packed_panel_bytes(tile.taps, tile.k))),
      widens_(!byte_dot && rows >= 32 && panel_elements_ <= kElements) {
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
