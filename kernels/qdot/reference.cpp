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

/// Σ of `count` codes × a column's weights, of which group 0 begins at `groups`.
int32_t sum_products(const int16_t* codes, const int8_t* groups, size_t count) noexcept {
  int32_t acc = 0;
  for (size_t k = 0; k < count; ++k)
    acc = wrap_add(acc,
                   activation(codes, k) * groups[k / kGroupCodes * kGroupBytes + k % kGroupCodes]);
  return acc;
}

/// The products with groups that stand in the table of a panel for two steps.
int32_t sum_moved(const QTile& tile, const int8_t* table, size_t row, size_t column) noexcept {
  int32_t acc = 0;
  for (int32_t i = 0; i < TwoStepPanel::moved_count(table); ++i) {
    const MovedGroup group = TwoStepPanel::moved(table, static_cast<size_t>(i));
    const size_t tap = group.place() / tile.k, pair = group.place() % tile.k;
    const int16_t* codes = tile.a[tap * kTileRows + row] + pair;
    acc = wrap_add(acc, sum_products(codes, group.weights() + column, kGroupCodes));
  }
  return acc;
}

int32_t dot(const QTile& tile, size_t row, size_t n) noexcept {
  const int8_t* panel = tile.b + n / kPanelWidth * packed_dot_panel_bytes(tile.taps, tile.k);
  const size_t column = n % kPanelWidth * kGroupCodes, tap_bytes = dot_tap_bytes(tile.k);
  int32_t acc = 0;
  for (size_t t = 0; t < tile.taps; ++t)
    acc = wrap_add(
        acc, sum_products(tile.a[t * kTileRows + row], panel + t * tap_bytes + column, 2 * tile.k));
  if (byte_dot_steps() == ByteDotSteps::one) return acc;
  return wrap_add(acc, sum_moved(tile, panel + tile.taps * tap_bytes, row, column));
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
