#include "kernels/dispatch.h"
#include "kernels/qgemm/output_reference.h"

namespace octet::kernels {
namespace {

int32_t channel_sum(const QDwTile& tile, size_t pixel, size_t c) noexcept {
  const int16_t* w = tile.w + c / kDwChannels * tile.w_channels + c % kDwChannels * 2;
  int32_t acc = 0;
  for (size_t row = 0; row < tile.row_pairs; ++row)
    for (size_t kx = 0; kx < tile.columns; ++kx) {
      const int16_t* pair = tile.x[row] + pixel * tile.x_pixel + kx * tile.x_column + 2 * c;
      const int16_t* weights = w + row * tile.w_row + kx * kDwPairs;
      acc = wrap_add(acc, pair[0] * weights[0]);
      acc = wrap_add(acc, pair[1] * weights[1]);
    }
  return acc;
}

template <QOutput kOutput>
void run_tile(const QDwTile& tile) noexcept {
  for (size_t pixel = 0; pixel < tile.pixels; ++pixel)
    for (size_t c = 0; c < tile.channels; ++c)
      store_output_reference<kOutput>(channel_sum(tile, pixel, c), 0, c, *tile.params,
                                      static_cast<char*>(tile.y) + pixel * tile.y_pixel);
}

} // namespace

void x16_pair_rows_reference(const QDwRowPair& rows) noexcept {
  const size_t pixel_elements = paired_pixel_elements(rows.channels);
  for (size_t p = 0; p < rows.pixels; ++p) {
    int16_t* to = rows.to + p * pixel_elements;
    for (size_t c = 0; c < pixel_elements / 2; ++c) {
      const size_t from = p * rows.x_stride + c;
      to[2 * c] = rows.even && c < rows.channels ? rows.even[from] : int16_t{0};
      to[2 * c + 1] = rows.odd && c < rows.channels ? rows.odd[from] : int16_t{0};
    }
  }
}

void qs16_qc16w_dwconv_i32_4x8_reference(const QDwTile& tile) noexcept {
  run_tile<QOutput::i32>(tile);
}
void qs16_qc16w_dwconv_f32_4x8_reference(const QDwTile& tile) noexcept {
  run_tile<QOutput::f32>(tile);
}
void qs16_qc16w_dwconv_u8_4x8_reference(const QDwTile& tile) noexcept {
  run_tile<QOutput::u8>(tile);
}
void qs16_qc16w_dwconv_s8_4x8_reference(const QDwTile& tile) noexcept {
  run_tile<QOutput::s8>(tile);
}
void qs16_qc16w_dwconv_s16_4x8_reference(const QDwTile& tile) noexcept {
  run_tile<QOutput::s16>(tile);
}

} // namespace octet::kernels
