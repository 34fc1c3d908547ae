#include "kernels/dispatch.h"
#include "kernels/qgemm/tile_reference.h"

namespace octet::kernels {

void qs16_qc8w_gemv_i32_1x8_reference(const QTile& tile) noexcept {
  run_tile_reference<QOutput::i32, 1>(tile);
}
void qs16_qc8w_gemv_f32_1x8_reference(const QTile& tile) noexcept {
  run_tile_reference<QOutput::f32, 1>(tile);
}
void qs16_qc8w_gemv_u8_1x8_reference(const QTile& tile) noexcept {
  run_tile_reference<QOutput::u8, 1>(tile);
}
void qs16_qc8w_gemv_s8_1x8_reference(const QTile& tile) noexcept {
  run_tile_reference<QOutput::s8, 1>(tile);
}
void qs16_qc8w_gemv_s16_1x8_reference(const QTile& tile) noexcept {
  run_tile_reference<QOutput::s16, 1>(tile);
}

} // namespace octet::kernels
