#include "kernels/relaxed.h"
#include "kernels/dispatch.h"
#include "kernels/qgemm/tile_simd128.h"

namespace octet::kernels {
namespace {

struct ByteProduct {
  using Weight = int8_t;
  static constexpr size_t kStep = 32;

  static V8 load(const int8_t* b) noexcept { return load_v8(b); }
  [[clang::always_inline]] static void add(V8& acc, v128_t codes, const V8& weights) noexcept {
    acc.lo = relaxed_dot_add(weights.lo, codes, acc.lo);
    acc.hi = relaxed_dot_add(weights.hi, codes, acc.hi);
  }
};

/// As packed_dot_panel_bytes, which is not part of the pack.
const int8_t* first_panel(const QTile& tile) noexcept {
  const size_t panel_bytes = tile.taps * ((tile.k + 1) / 2) * ByteProduct::kStep;
  return tile.b + tile.column_begin / kPanelWidth * panel_bytes;
}

template <QOutput kOutput>
void run_four(const QTile& tile) noexcept {
  run_four_rows<kOutput, ByteProduct>(tile, first_panel(tile));
}

template <QOutput kOutput>
void run_one(const QTile& tile) noexcept {
  run_one_row<kOutput, ByteProduct>(tile, first_panel(tile));
}

} // namespace

void q8_qc8w_gemm_i32_4x8_relaxed(const QTile& tile) noexcept {
  run_four<QOutput::i32>(tile);
}
void q8_qc8w_gemm_f32_4x8_relaxed(const QTile& tile) noexcept {
  run_four<QOutput::f32>(tile);
}
void q8_qc8w_gemm_u8_4x8_relaxed(const QTile& tile) noexcept {
  run_four<QOutput::u8>(tile);
}
void q8_qc8w_gemm_s8_4x8_relaxed(const QTile& tile) noexcept {
  run_four<QOutput::s8>(tile);
}
void q8_qc8w_gemm_s16_4x8_relaxed(const QTile& tile) noexcept {
  run_four<QOutput::s16>(tile);
}
void q8_qc8w_gemv_i32_1x8_relaxed(const QTile& tile) noexcept {
  run_one<QOutput::i32>(tile);
}
void q8_qc8w_gemv_f32_1x8_relaxed(const QTile& tile) noexcept {
  run_one<QOutput::f32>(tile);
}
void q8_qc8w_gemv_u8_1x8_relaxed(const QTile& tile) noexcept {
  run_one<QOutput::u8>(tile);
}
void q8_qc8w_gemv_s8_1x8_relaxed(const QTile& tile) noexcept {
  run_one<QOutput::s8>(tile);
}
void q8_qc8w_gemv_s16_1x8_relaxed(const QTile& tile) noexcept {
  run_one<QOutput::s16>(tile);
}

int32_t q8_row_sum_relaxed(const int16_t* x, size_t n) noexcept {
  const v128_t ones = wasm_i8x16_splat(1), zero = wasm_i32x4_splat(0);
  v128_t sum = zero;
  size_t i = 0;
  for (; i + 8 <= n; i += 8) sum = relaxed_dot_add(ones, wasm_v128_load(x + i), sum);
  for (; i < n; ++i) {
    const v128_t pair = wasm_i16x8_replace_lane(zero, 0, x[i]);
    sum = relaxed_dot_add(ones, pair, sum);
  }
  sum = wasm_i32x4_add(sum, swap_halves(sum));
  sum = wasm_i32x4_add(sum, swap_neighbours(sum));
  return wasm_i32x4_extract_lane(sum, 0);
}

void s8_q8_dot_relaxed(const int8_t* w, const uint8_t* a, int32_t* sums) noexcept {
  wasm_v128_store(sums, relaxed_dot_add(wasm_v128_load(w), wasm_v128_load(a), wasm_i32x4_splat(0)));
}

} // namespace octet::kernels
