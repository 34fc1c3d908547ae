#include "kernels/dispatch.h"
#include "kernels/math_simd128.h"
#include "kernels/qb4/tile_simd128.h"

namespace octet::kernels {
namespace {

/// Shifts alone take the codes apart, with factors that make up for what stands above them.
struct ShiftedLanes {
  struct Operands {
    v128_t pairs[4];
  };

  static const int16_t* row(const Qb8Row& a) noexcept { return a.factors; }

  static Operands load(const int16_t* a) noexcept {
    return {{wasm_v128_load32_splat(a), wasm_v128_load32_splat(a + 2),
             wasm_v128_load32_splat(a + 4), wasm_v128_load32_splat(a + 6)}};
  }

  [[clang::always_inline]] static v128_t add(v128_t sums, v128_t codes,
                                             const Operands& a) noexcept {
    const v128_t second = wasm_u16x8_shr(codes, 4);
    const v128_t third = wasm_u16x8_shr(codes, 8);
    const v128_t fourth = wasm_u16x8_shr(codes, 12);
    const v128_t lower =
        wasm_i16x8_add(wasm_i16x8_mul(codes, a.pairs[0]), wasm_i16x8_mul(second, a.pairs[1]));
    const v128_t upper =
        wasm_i16x8_add(wasm_i16x8_mul(third, a.pairs[2]), wasm_i16x8_mul(fourth, a.pairs[3]));
    return wasm_i16x8_add(sums, wasm_i16x8_add(lower, upper));
  }
};

v128_t quantize(v128_t x, v128_t inverse) noexcept {
  const v128_t bounded =
      wasm_f32x4_pmin(wasm_f32x4_pmax(splat(-127.0f), wasm_f32x4_mul(x, inverse)), splat(127.0f));
  return round_to_int(bounded);
}

/// Codes of 8 k as int16.
void store_codes(v128_t codes, int8_t* bytes, int16_t* factors) noexcept {
  const v128_t none = wasm_i32x4_splat(0);
  const v128_t ordered =
      wasm_i8x16_shuffle(codes, none, 0, 8, 2, 10, 4, 12, 6, 14, 16, 16, 16, 16, 16, 16, 16, 16);
  wasm_v128_store64_lane(bytes, ordered, 0);
  const v128_t before = wasm_i32x4_shuffle(none, codes, 0, 4, 5, 6);
  wasm_v128_store(factors, wasm_i16x8_sub(codes, wasm_i16x8_shl(before, 4)));
}

/// A whole block, a multiple of 8.
void quantize_block(const float* x, size_t block, const Qb8Row& row, size_t b) noexcept {
  v128_t max = splat(0.0f);
  for (size_t i = 0; i < block; i += 4)
    max = wasm_f32x4_pmax(max, wasm_f32x4_abs(wasm_v128_load(x + i)));
  max = wasm_f32x4_pmax(max, swap_halves(max));
  const float largest = wasm_f32x4_extract_lane(wasm_f32x4_pmax(max, swap_neighbours(max)), 0);
  const v128_t inverse = splat(largest > 0 ? 127.0f / largest : 0.0f);
  v128_t sum = wasm_i32x4_splat(0);
  for (size_t i = 0; i < block; i += kQb4Step) {
    const v128_t lo = quantize(wasm_v128_load(x + i), inverse);
    const v128_t hi = quantize(wasm_v128_load(x + i + 4), inverse);
    sum = wasm_i32x4_add(sum, wasm_i32x4_add(lo, hi));
    const size_t at = b * block + i;
    store_codes(wasm_i16x8_narrow_i32x4(lo, hi), row.codes + at, row.factors + at);
  }
  row.scales[b] = largest / 127.0f;
  row.sums[b] = wasm_f32x4_extract_lane(horizontal_sum(wasm_f32x4_convert_i32x4(sum)), 0);
}

} // namespace

void f32_qb8_quantize_simd128(const float* x, size_t k, size_t block, const Qb8Row& row) noexcept {
  const size_t whole = k / block;
  for (size_t b = 0; b < whole; ++b) quantize_block(x + b * block, block, row, b);
  if (whole * block < k)
    f32_qb8_quantize_reference(x + whole * block, k - whole * block, block,
                               {row.codes + whole * block, row.factors + whole * block,
                                row.scales + whole, row.sums + whole});
}

void qb8_qb4w_gemv_1x16_simd128(const Qb4Tile& tile) noexcept {
  run_qb4_row<ShiftedLanes>(tile);
}

void qb4w_f32_unpack_simd128(const Qb4Panel& panel) noexcept {
  const uint8_t* codes = panel.codes;
  float* to = panel.to;
  const v128_t mask = wasm_i32x4_splat(15);
  for (size_t b = 0; b < panel.blocks; ++b) {
    const V8 scale = load_v8(panel.scales + b * kFPanelWidth);
    const V8 zero = load_v8(panel.zeros + b * kFPanelWidth);
    const auto to_float = [&](v128_t lanes, uint32_t shift, v128_t zeros, v128_t scales) {
      const v128_t code = wasm_v128_and(wasm_u32x4_shr(lanes, shift), mask);
      return wasm_f32x4_mul(wasm_f32x4_sub(wasm_f32x4_convert_i32x4(code), zeros), scales);
    };
    for (size_t k = 0; k < panel.block; k += kQb4Step, codes += kQb4StepBytes) {
      const V8 lanes = load_v8(codes);
      for (uint32_t i = 0; i < kQb4Step; ++i, to += kFPanelWidth) {
        const uint32_t shift = i / 2 * 4 + i % 2 * 16;
        wasm_v128_store(to, to_float(lanes.lo, shift, zero.lo, scale.lo));
        wasm_v128_store(to + 4, to_float(lanes.hi, shift, zero.hi, scale.hi));
      }
    }
  }
}

} // namespace octet::kernels
