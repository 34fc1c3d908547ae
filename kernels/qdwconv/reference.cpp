#include "kernels/dispatch.h"
#include "kernels/qgemm/output_reference.h"

namespace octet::kernels {
namespace {

int32_t channel_sum(const QDwTile& tile, size_t pixel, size_t c) noexcept {
  const size_t taps = tile.tap_pairs * 2;
  const int16_t* w = tile.w + c / kPanelWidth * taps * kPanelWidth + c % kPanelWidth * 2;
  int32_t acc = 0;
  for (size_t t = 0; t < taps; ++t)
    acc = wrap_add(acc, tile.x[t * kDwTilePixels + pixel][c] * w[t / 2 * 2 * kPanelWidth + t % 2]);
  return acc;
}

template <QOutput kOutput>
void run_tile(const QDwTile& tile) noexcept {
  for (size_t pixel = 0; pixel < kDwTilePixels; ++pixel)
    for (size_t c = 0; c < tile.channels; ++c)
      store_output_reference<kOutput>(channel_sum(tile, pixel, c), 0, c, *tile.params,
                                      tile.y[pixel]);
}

} // namespace

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
