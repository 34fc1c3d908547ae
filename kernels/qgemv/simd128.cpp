#include "kernels/dispatch.h"
#include "kernels/qgemm/pack.h"
#include "kernels/qgemm/tile_simd128.h"

namespace octet::kernels {
namespace {

template <QOutput kOutput>
void run_tile(const QTile& tile) noexcept {
  if (tile.wide) return run_one_row<kOutput, WideProduct>(tile, tile.wide);
  const size_t panel_bytes = packed_panel_bytes(tile.taps, tile.k);
  run_one_row<kOutput, PairProduct>(tile, tile.b + tile.column_begin / kPanelWidth * panel_bytes);
}

} // namespace

void qs16_qc8w_gemv_i32_1x8_simd128(const QTile& tile) noexcept {
  run_tile<QOutput::i32>(tile);
}
void qs16_qc8w_gemv_f32_1x8_simd128(const QTile& tile) noexcept {
  run_tile<QOutput::f32>(tile);
}
void qs16_qc8w_gemv_u8_1x8_simd128(const QTile& tile) noexcept {
  run_tile<QOutput::u8>(tile);
}
void qs16_qc8w_gemv_s8_1x8_simd128(const QTile& tile) noexcept {
  run_tile<QOutput::s8>(tile);
}
void qs16_qc8w_gemv_s16_1x8_simd128(const QTile& tile) noexcept {
  run_tile<QOutput::s16>(tile);
}

} // namespace octet::kernels
