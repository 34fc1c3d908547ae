#include "kernels/dispatch.h"
#include "kernels/math_simd128.h"
#include "kernels/qgemm/output_simd128.h"

namespace octet::kernels {
namespace {

constexpr size_t kStep = 8;       // of k
constexpr size_t kStepBytes = 32; // of a panel

/// Products of four columns: codes of the first and last pair of a lane as they are, those of the
/// second and third times 16 and 256, where they stand in the lane.
struct LaneSums {
  v128_t plain, times_16, times_256;

  void add(v128_t codes, const v128_t (&a)[4]) noexcept {
    const v128_t first = wasm_v128_and(codes, wasm_i16x8_splat(0xF));
    const v128_t second = wasm_v128_and(codes, wasm_i16x8_splat(0xF0));
    const v128_t third = wasm_v128_and(codes, wasm_i16x8_splat(0xF00));
    const v128_t fourth = wasm_u16x8_shr(codes, 12);
    plain = wasm_i32x4_add(plain, wasm_i32x4_dot_i16x8(first, a[0]));
    times_16 = wasm_i32x4_add(times_16, wasm_i32x4_dot_i16x8(second, a[1]));
    times_256 = wasm_i32x4_add(times_256, wasm_i32x4_dot_i16x8(third, a[2]));
    plain = wasm_i32x4_add(plain, wasm_i32x4_dot_i16x8(fourth, a[3]));
  }

  v128_t total() const noexcept {
    const v128_t shifted =
        wasm_i32x4_add(wasm_i32x4_shr(times_16, 4), wasm_i32x4_shr(times_256, 8));
    return wasm_i32x4_add(plain, shifted);
  }
};

struct BlockScales {
  v128_t scale, sum; // of the row
  const float *column_scales, *column_zeros;

  v128_t apply(v128_t products, size_t lane) const noexcept {
    const v128_t shift = wasm_f32x4_mul(wasm_v128_load(column_zeros + lane), sum);
    const v128_t centred = wasm_f32x4_sub(wasm_f32x4_convert_i32x4(products), shift);
    return wasm_f32x4_mul(centred, wasm_f32x4_mul(scale, wasm_v128_load(column_scales + lane)));
  }
};

/// The sums of one panel.
V8 multiply_panel(const Qb4Tile& tile, size_t panel) noexcept {
  const uint8_t* codes = tile.codes + panel * qb4_panel_bytes(tile.blocks, tile.block);
  const float* scales = tile.scales + panel * tile.blocks * kFPanelWidth;
  const float* zeros = tile.zeros + panel * tile.blocks * kFPanelWidth;
  const int16_t* a = tile.a.codes;
  const v128_t none = wasm_i32x4_splat(0);
  V8 sums{none, none};
  for (size_t b = 0; b < tile.blocks; ++b) {
    LaneSums lo{none, none, none}, hi{none, none, none};
    for (const int16_t* end = a + tile.block; a != end; a += kStep, codes += kStepBytes) {
      const v128_t pairs[4] = {wasm_v128_load32_splat(a), wasm_v128_load32_splat(a + 2),
                               wasm_v128_load32_splat(a + 4), wasm_v128_load32_splat(a + 6)};
      lo.add(wasm_v128_load(codes), pairs);
      hi.add(wasm_v128_load(codes + 16), pairs);
    }
    const BlockScales block{splat(tile.a.scales[b]), splat(tile.a.sums[b]), scales, zeros};
    sums.lo = wasm_f32x4_add(sums.lo, block.apply(lo.total(), 0));
    sums.hi = wasm_f32x4_add(sums.hi, block.apply(hi.total(), 4));
    scales += kFPanelWidth;
    zeros += kFPanelWidth;
  }
  return sums;
}

v128_t quantize(v128_t x, v128_t inverse) noexcept {
  const v128_t bounded =
      wasm_f32x4_pmin(wasm_f32x4_pmax(splat(-127.0f), wasm_f32x4_mul(x, inverse)), splat(127.0f));
  return round_to_int(bounded);
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
  int16_t* codes = row.codes + b * block;
  for (size_t i = 0; i < block; i += 8) {
    const v128_t lo = quantize(wasm_v128_load(x + i), inverse);
    const v128_t hi = quantize(wasm_v128_load(x + i + 4), inverse);
    sum = wasm_i32x4_add(sum, wasm_i32x4_add(lo, hi));
    wasm_v128_store(codes + i, wasm_i16x8_narrow_i32x4(lo, hi));
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
                               {row.codes + whole * block, row.scales + whole, row.sums + whole});
}

void qb8_qb4w_gemv_1x8_simd128(const Qb4Tile& tile) noexcept {
  for (size_t n = tile.column_begin; n < tile.column_end; n += kFPanelWidth) {
    V8 sums = multiply_panel(tile, n / kFPanelWidth);
    if (tile.bias) {
      const V8 bias = load_v8(tile.bias + n);
      sums = {wasm_f32x4_add(sums.lo, bias.lo), wasm_f32x4_add(sums.hi, bias.hi)};
    }
    auto* to = reinterpret_cast<char*>(tile.c + n);
    if (n + kFPanelWidth <= tile.column_end)
      store_columns<QOutput::f32>(sums, to);
    else
      store_first_columns<QOutput::f32>(sums, tile.column_end - n, to);
  }
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
    for (size_t k = 0; k < panel.block; k += kStep, codes += kStepBytes) {
      const V8 lanes = load_v8(codes);
      for (uint32_t i = 0; i < kStep; ++i, to += kFPanelWidth) {
        const uint32_t shift = i / 2 * 4 + i % 2 * 16;
        wasm_v128_store(to, to_float(lanes.lo, shift, zero.lo, scale.lo));
        wasm_v128_store(to + 4, to_float(lanes.hi, shift, zero.hi, scale.hi));
      }
    }
  }
}

} // namespace octet::kernels
