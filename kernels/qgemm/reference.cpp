#include "kernels/dispatch.h"
#include "kernels/qgemm/tile_reference.h"

namespace octet::kernels {

void qs16_qc8w_gemm_i32_4x8_reference(const QTile& tile) noexcept {
  run_tile_reference<QOutput::i32, kTileRows>(tile);
}
void qs16_qc8w_gemm_f32_4x8_reference(const QTile& tile) noexcept {
  run_tile_reference<QOutput::f32, kTileRows>(tile);
}
void qs16_qc8w_gemm_u8_4x8_reference(const QTile& tile) noexcept {
  run_tile_reference<QOutput::u8, kTileRows>(tile);
}
void qs16_qc8w_gemm_s8_4x8_reference(const QTile& tile) noexcept {
  run_tile_reference<QOutput::s8, kTileRows>(tile);
}
void qs16_qc8w_gemm_s16_4x8_reference(const QTile& tile) noexcept {
  run_tile_reference<QOutput::s16, kTileRows>(tile);
}

void qc8w_pack_rows_reference(const QPackRows& args) noexcept {
  int8_t* to = args.packed;
  for (size_t panel = 0; panel < args.panels; ++panel)
    for (size_t k = 0; k < args.k; k += 2)
      for (size_t n = 0; n < kPanelWidth; ++n) {
        const uint8_t* from =
            args.rows + static_cast<ptrdiff_t>(k) * args.stride + panel * kPanelWidth + n;
        *to++ = static_cast<int8_t>(from[0] ^ args.flip);
        *to++ = k + 1 < args.k ? static_cast<int8_t>(from[args.stride] ^ args.flip) : int8_t{0};
      }
}

int32_t qs16_row_sum_reference(const int16_t* x, size_t n) noexcept {
  int32_t sum = 0;
  for (size_t i = 0; i < n; ++i) sum += x[i];
  return sum;
}

} // namespace octet::kernels
