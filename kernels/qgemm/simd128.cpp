#include "kernels/dispatch.h"
#include "kernels/qgemm/output_simd128.h"
#include "kernels/qgemm/pack.h"

namespace octet::kernels {
namespace {

void add_products(V8& acc, v128_t a, const V8& b) noexcept {
  acc.lo = wasm_i32x4_add(acc.lo, wasm_i32x4_dot_i16x8(a, b.lo));
  acc.hi = wasm_i32x4_add(acc.hi, wasm_i32x4_dot_i16x8(a, b.hi));
}

/// Eight columns' weights of one pair of k.
V8 load_weights(const int8_t* b) noexcept {
  return {wasm_i16x8_load8x8(b), wasm_i16x8_load8x8(b + 8)};
}
V8 load_weights(const int16_t* b) noexcept {
  return load_v8(b);
}

/// Adds the products of one tap to the accumulators and returns the end of its weights. An odd k is
/// finished by pairing the last activation with itself: the packed weight beside it is zero.
template <class Weight>
const Weight* add_tap(V8 (&acc)[kTileRows], const int16_t* const* rows, const Weight* b,
                      size_t k) noexcept {
  const int16_t* a0 = rows[0];
  const int16_t* a1 = rows[1];
  const int16_t* a2 = rows[2];
  const int16_t* a3 = rows[3];
  for (const Weight* end = b + k / 2 * 16; b != end; b += 16) {
    const V8 weights = load_weights(b);
    add_products(acc[0], wasm_v128_load32_splat(a0), weights);
    add_products(acc[1], wasm_v128_load32_splat(a1), weights);
    add_products(acc[2], wasm_v128_load32_splat(a2), weights);
    add_products(acc[3], wasm_v128_load32_splat(a3), weights);
    a0 += 2;
    a1 += 2;
    a2 += 2;
    a3 += 2;
  }
  if (k % 2 == 0) return b;
  const V8 weights = load_weights(b);
  add_products(acc[0], wasm_v128_load16_splat(a0), weights);
  add_products(acc[1], wasm_v128_load16_splat(a1), weights);
  add_products(acc[2], wasm_v128_load16_splat(a2), weights);
  add_products(acc[3], wasm_v128_load16_splat(a3), weights);
  return b + 16;
}

template <QOutput kOutput, class Weight>
void run_columns(const QTile& tile, const Weight* b) noexcept {
  const OutputStep<kOutput> output(*tile.params);
  for (size_t n = tile.column_begin; n < tile.column_end; n += kPanelWidth) {
    const v128_t zero = wasm_i32x4_splat(0);
    V8 acc[kTileRows] = {{zero, zero}, {zero, zero}, {zero, zero}, {zero, zero}};
    for (size_t t = 0; t < tile.taps; ++t) b = add_tap(acc, tile.a + t * kTileRows, b, tile.k);
    output.store(acc, tile.row_sum, n, tile.column_end, tile.c);
  }
}

template <QOutput kOutput>
void run_tile(const QTile& tile) noexcept {
  if (tile.wide) return run_columns<kOutput>(tile, tile.wide);
  const size_t panel_bytes = packed_panel_bytes(tile.taps, tile.k);
  run_columns<kOutput>(tile, tile.b + tile.column_begin / kPanelWidth * panel_bytes);
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
