// The output step of output.h for the accumulators of one panel: kRows rows of 8 columns, each row
// two vectors.
//
// Rounding adds 1.5·2^23: after the clamp the value is small, so the sum's low bits are the integer
// rounded half to even. pmin and pmax are single instructions, unlike the NaN-correct min and max;
// the operand order decides what a NaN becomes.
#pragma once

#include "kernels/qgemm/output.h"
#include "kernels/simd.h"

namespace octet::kernels {

/// Eight int32 or float lanes.
struct V8 {
  v128_t lo, hi;
};

inline V8 load_v8(const void* p) noexcept {
  return {wasm_v128_load(p), wasm_v128_load(static_cast<const char*>(p) + 16)};
}

/// Stores the first `bytes` (< 16) of v.
inline void store_first_bytes(v128_t v, size_t bytes, char* to) noexcept {
  if (bytes & 8) {
    wasm_v128_store64_lane(to, v, 0);
    v = wasm_i64x2_shuffle(v, v, 1, 1);
    to += 8;
  }
  if (bytes & 4) {
    wasm_v128_store32_lane(to, v, 0);
    v = wasm_u64x2_shr(v, 32);
    to += 4;
  }
  if (bytes & 2) {
    wasm_v128_store16_lane(to, v, 0);
    v = wasm_u64x2_shr(v, 16);
    to += 2;
  }
  if (bytes & 1) wasm_v128_store8_lane(to, v, 0);
}

/// Stores 8 columns, or the first `columns` of them, as packed elements of kOutput.
template <QOutput kOutput>
void store_v8(V8 v, size_t columns, void* c, size_t n) noexcept {
  constexpr size_t kBytes = output_bytes(kOutput);
  char* to = static_cast<char*>(c) + n * kBytes;
  if constexpr (kBytes == 4) {
    if (columns >= kPanelWidth) {
      wasm_v128_store(to, v.lo);
      wasm_v128_store(to + 16, v.hi);
      return;
    }
    if (columns >= 4) {
      wasm_v128_store(to, v.lo);
      store_first_bytes(v.hi, (columns - 4) * kBytes, to + 16);
      return;
    }
    store_first_bytes(v.lo, columns * kBytes, to);
  } else {
    v128_t packed = wasm_i16x8_narrow_i32x4(v.lo, v.hi);
    if constexpr (kOutput == QOutput::u8) packed = wasm_u8x16_narrow_i16x8(packed, packed);
    if constexpr (kOutput == QOutput::s8) packed = wasm_i8x16_narrow_i16x8(packed, packed);
    if (columns < kPanelWidth)
      store_first_bytes(packed, columns * kBytes, to);
    else if constexpr (kBytes == 2)
      wasm_v128_store(to, packed);
    else
      wasm_v128_store64_lane(to, packed, 0);
  }
}

inline v128_t scale_to_float(v128_t t, v128_t scale, v128_t bias, v128_t lo, v128_t hi) noexcept {
  const v128_t x = wasm_f32x4_add(wasm_f32x4_mul(wasm_f32x4_convert_i32x4(t), scale), bias);
  return wasm_f32x4_pmin(wasm_f32x4_pmax(x, lo), hi);
}

inline v128_t round_to_int(v128_t x) noexcept {
  const v128_t magic = wasm_f32x4_splat(12582912.0f);
  return wasm_i32x4_sub(wasm_f32x4_add(x, magic), magic);
}

inline v128_t requantize(v128_t t, v128_t scale, v128_t lo, v128_t hi, v128_t offset) noexcept {
  const v128_t x = wasm_f32x4_mul(wasm_f32x4_convert_i32x4(t), scale);
  return wasm_i32x4_add(round_to_int(wasm_f32x4_pmin(hi, wasm_f32x4_pmax(lo, x))), offset);
}

template <QOutput kOutput, size_t kRows>
void store_panel_simd128(V8 (&acc)[kRows], const int32_t* row_sum, const QOutputParams& p, size_t n,
                         size_t column_end, void* const* c) noexcept {
  const size_t columns = column_end - n;
  if (p.w_zero) {
    const V8 zero = load_v8(p.w_zero + n);
    for (size_t r = 0; r < kRows; ++r) {
      const v128_t sum = wasm_v128_load32_splat(row_sum + r);
      acc[r].lo = wasm_i32x4_sub(acc[r].lo, wasm_i32x4_mul(zero.lo, sum));
      acc[r].hi = wasm_i32x4_sub(acc[r].hi, wasm_i32x4_mul(zero.hi, sum));
    }
  }
  if (p.bias) {
    const V8 bias = load_v8(p.bias + n);
    for (V8& row : acc) {
      row.lo = wasm_i32x4_add(row.lo, bias.lo);
      row.hi = wasm_i32x4_add(row.hi, bias.hi);
    }
  }
  if constexpr (kOutput == QOutput::f32) {
    const v128_t a_scale = wasm_f32x4_splat(p.a_scale);
    const V8 w_scale = load_v8(p.scale + n);
    const V8 scale = {wasm_f32x4_mul(a_scale, w_scale.lo), wasm_f32x4_mul(a_scale, w_scale.hi)};
    const v128_t none = wasm_f32x4_splat(-0.0f);
    const V8 bias = p.bias_f32 ? load_v8(p.bias_f32 + n) : V8{none, none};
    const v128_t lo = wasm_f32x4_splat(p.lo);
    const v128_t hi = wasm_f32x4_splat(p.hi);
    for (V8& row : acc) {
      row.lo = scale_to_float(row.lo, scale.lo, bias.lo, lo, hi);
      row.hi = scale_to_float(row.hi, scale.hi, bias.hi, lo, hi);
    }
  } else if constexpr (kOutput != QOutput::i32) {
    const V8 scale = load_v8(p.scale + n);
    const v128_t lo = wasm_f32x4_splat(static_cast<float>(p.qmin - p.zero_point));
    const v128_t hi = wasm_f32x4_splat(static_cast<float>(p.qmax - p.zero_point));
    const v128_t offset = wasm_i32x4_splat(kOutput == QOutput::s16 ? 0 : p.zero_point);
    for (V8& row : acc) {
      row.lo = requantize(row.lo, scale.lo, lo, hi, offset);
      row.hi = requantize(row.hi, scale.hi, lo, hi, offset);
    }
  }
  for (size_t r = 0; r < kRows; ++r) store_v8<kOutput>(acc[r], columns, c[r], n);
}

} // namespace octet::kernels
