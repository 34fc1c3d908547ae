#include "kernels/dispatch.h"
#include "kernels/qgemm/pack.h"
#include "kernels/qgemm/tile_simd128.h"

namespace octet::kernels {
namespace {

template <QOutput kOutput>
void run_tile(const QTile& tile) noexcept {
  if (tile.wide) return run_four_rows<kOutput, WideProduct>(tile, tile.wide);
  const size_t panel_bytes = packed_panel_bytes(tile.taps, tile.k);
  run_four_rows<kOutput, PairProduct>(tile, tile.b + tile.column_begin / kPanelWidth * panel_bytes);
}

} // namespace

void qs16_qc8w_gemm_i32_4x8_simd128(const QTile& tile) noexcept {
  run_tile<QOutput::i32>(tile);
}
void qs16_qc8w_gemm_f32_4x8_simd128(const QTile& tile) noexcept {
  run_tile<QOutput::f32>(tile);
}
void qs16_qc8w_gemm_u8_4x8_simd128(const QTile& tile) noexcept {
  run_tile<QOutput::u8>(tile);
}
void qs16_qc8w_gemm_s8_4x8_simd128(const QTile& tile) noexcept {
  run_tile<QOutput::s8>(tile);
}
void qs16_qc8w_gemm_s16_4x8_simd128(const QTile& tile) noexcept {
  run_tile<QOutput::s16>(tile);
}

void qc8w_pack_rows_simd128(const QPackRows& args) noexcept {
  const v128_t flip = wasm_i8x16_splat(static_cast<int8_t>(args.flip)), zero = wasm_i8x16_splat(0);
  const size_t panel_bytes = packed_panel_bytes(1, args.k);
  const uint8_t* from = args.rows;
  int8_t* to = args.packed;
  for (size_t k = 0; k < args.k; k += 2, from += 2 * args.stride, to += 2 * kPanelWidth) {
    const bool has_odd = k + 1 < args.k;
    for (size_t panel = 0; panel < args.panels; ++panel) {
      const uint8_t* piece = from + panel * kPanelWidth;
      const v128_t even = wasm_v128_xor(wasm_v128_load64_zero(piece), flip);
      const v128_t odd =
          has_odd ? wasm_v128_xor(wasm_v128_load64_zero(piece + args.stride), flip) : zero;
      wasm_v128_store(
          to + panel * panel_bytes,
          wasm_i8x16_shuffle(even, odd, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23));
    }
  }
}

int32_t qs16_row_sum_simd128(const int16_t* x, size_t n) noexcept {
  v128_t sum = wasm_i32x4_splat(0);
  size_t i = 0;
  for (; i + 8 <= n; i += 8)
    sum = wasm_i32x4_add(sum, wasm_i32x4_extadd_pairwise_i16x8(wasm_v128_load(x + i)));
  sum = wasm_i32x4_add(sum, wasm_i32x4_shuffle(sum, sum, 2, 3, 0, 1));
  sum = wasm_i32x4_add(sum, wasm_i32x4_shuffle(sum, sum, 1, 0, 3, 2));
  return wasm_i32x4_extract_lane(sum, 0) + qs16_row_sum_reference(x + i, n - i);
}

} // namespace octet::kernels
