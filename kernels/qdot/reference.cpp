#include "kernels/dispatch.h"
#include "kernels/qdot/byte_dot.h"
#include "kernels/qdot/pack.h"
#include "kernels/qdot/panel.h"
#include "kernels/qgemm/output_reference.h"

namespace octet::kernels {
namespace {

int32_t activation(const void* codes, size_t k) noexcept {
  if (byte_dot() == ByteDot::signed_activations) return static_cast<const int8_t*>(codes)[k];
  return static_cast<const uint8_t*>(codes)[k];
}

int32_t dot(const QTile& tile, size_t row, size_t n) noexcept {
  const size_t panel_bytes = packed_dot_panel_bytes(tile.taps, tile.k);
  const int8_t* b = tile.b + n / kPanelWidth * panel_bytes + n % kPanelWidth * kGroupCodes;
  int32_t acc = 0;
  for (size_t t = 0; t < tile.taps; ++t, b += dot_tap_bytes(tile.k))
    for (size_t k = 0; k < 2 * tile.k; ++k)
      acc = wrap_add(acc, activation(tile.a[t * kTileRows + row], k) *
                              b[k / kGroupCodes * kGroupBytes + k % kGroupCodes]);
  return acc;
}

template <QOutput kOutput, size_t kRows>
void run_tile(const QTile& tile) noexcept {
  for (size_t row = 0; row < kRows; ++row)
    for (size_t n = tile.column_begin; n < tile.column_end; ++n)
      store_output_reference<kOutput>(dot(tile, row, n), tile.row_sum[row], n, *tile.params,
                                      tile.c[row]);
}

} // namespace

void q8_qc8w_gemm_i32_4x8_reference(const QTile& tile) noexcept {
  run_tile<QOutput::i32, kTileRows>(tile);
}
void q8_qc8w_gemm_f32_4x8_reference(const QTile& tile) noexcept {
  run_tile<QOutput::f32, kTileRows>(tile);
}
void q8_qc8w_gemm_u8_4x8_reference(const QTile& tile) noexcept {
  run_tile<QOutput::u8, kTileRows>(tile);
}
void q8_qc8w_gemm_s8_4x8_reference(const QTile& tile) noexcept {
  run_tile<QOutput::s8, kTileRows>(tile);
}
void q8_qc8w_gemm_s16_4x8_reference(const QTile& tile) noexcept {
  run_tile<QOutput::s16, kTileRows>(tile);
}
void q8_qc8w_gemv_i32_1x8_reference(const QTile& tile) noexcept {
  run_tile<QOutput::i32, 1>(tile);
}
void q8_qc8w_gemv_f32_1x8_reference(const QTile& tile) noexcept {
  run_tile<QOutput::f32, 1>(tile);
}
void q8_qc8w_gemv_u8_1x8_reference(const QTile& tile) noexcept {
  run_tile<QOutput::u8, 1>(tile);
}
void q8_qc8w_gemv_s8_1x8_reference(const QTile& tile) noexcept {
  run_tile<QOutput::s8, 1>(tile);
}
void q8_qc8w_gemv_s16_1x8_reference(const QTile& tile) noexcept {
  run_tile<QOutput::s16, 1>(tile);
}

int32_t q8_row_sum_reference(const int16_t* x, size_t n) noexcept {
  int32_t sum = 0;
  for (size_t k = 0; k < 2 * n; ++k) sum += activation(x, k);
  return sum;
}

void s8_q8_dot_reference(const int8_t* w, const uint8_t* a, int32_t* sums) noexcept {
  for (size_t i = 0; i < 4; ++i) {
    sums[i] = 0;
    for (size_t k = 4 * i; k < 4 * i + 4; ++k) sums[i] += w[k] * activation(a, k);
  }
}

} // namespace octet::kernels
