#include "kernels/dispatch.h"
#include "kernels/qgemm/output_simd128.h"
#include "kernels/qgemm/pack.h"

namespace octet::kernels {
namespace {

void add_products(V8& acc, v128_t a, const int8_t* b) noexcept {
  acc.lo = wasm_i32x4_add(acc.lo, wasm_i32x4_dot_i16x8(a, wasm_i16x8_load8x8(b)));
  acc.hi = wasm_i32x4_add(acc.hi, wasm_i32x4_dot_i16x8(a, wasm_i16x8_load8x8(b + 8)));
}

/// Adds the products of one tap and returns the end of its weights. An odd k is finished as in the
/// 4x8 tile.
const int8_t* add_tap(V8& even, V8& odd, const int16_t* a, const int8_t* b, size_t k) noexcept {
  for (const int8_t* end = b + k / 4 * 32; b != end; b += 32) {
    add_products(even, wasm_v128_load32_splat(a), b);
    add_products(odd, wasm_v128_load32_splat(a + 2), b + 16);
    a += 4;
  }
  if (k % 4 >= 2) {
    add_products(even, wasm_v128_load32_splat(a), b);
    a += 2;
    b += 16;
  }
  if (k % 2 == 0) return b;
  add_products(odd, wasm_v128_load16_splat(a), b);
  return b + 16;
}

/// One panel after the other: weights that come from memory come fastest as a single stream.
template <QOutput kOutput>
void run_tile(const QTile& tile) noexcept {
  const OutputStep<kOutput> output(*tile.params);
  const int8_t* b =
      tile.b + tile.column_begin / kPanelWidth * packed_panel_bytes(tile.taps, tile.k);
  const v128_t zero = wasm_i32x4_splat(0);
  for (size_t n = tile.column_begin; n < tile.column_end; n += kPanelWidth) {
    V8 even{zero, zero}, odd{zero, zero};
    for (size_t t = 0; t < tile.taps; ++t) b = add_tap(even, odd, tile.a[t * kTileRows], b, tile.k);
    V8 sums[] = {{wasm_i32x4_add(even.lo, odd.lo), wasm_i32x4_add(even.hi, odd.hi)}};
    output.store(sums, tile.row_sum, n, tile.column_end, tile.c);
  }
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
