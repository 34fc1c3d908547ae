// The output step of output.h for the accumulators of one panel: kRows rows of 8 columns, each row
// two vectors.
//
// Rounding adds 1.5·2^23: to a value within ±kMostRounded, so that the sum's low bits are the
// integer rounded half to even. Codes are clamped as int16, half as many vectors as of floats. pmin
// and pmax are single instructions, unlike the NaN-correct min and max; the operand order decides
// what a NaN becomes.
#pragma once

#include "kernels/qgemm/output.h"
#include "kernels/vectors_simd128.h"

namespace octet::kernels {

template <QOutput kOutput>
void store_columns(V8 v, char* to) noexcept {
  constexpr size_t kBytes = output_bytes(kOutput);
  if constexpr (kBytes == 1) {
    wasm_v128_store64_lane(to, v.lo, 0);
  } else {
    wasm_v128_store(to, v.lo);
    if constexpr (kBytes == 4) wasm_v128_store(to + 16, v.hi);
  }
}

/// Stores the first `columns` (< 8).
template <QOutput kOutput>
void store_first_columns(V8 v, size_t columns, char* to) noexcept {
  const size_t bytes = columns * output_bytes(kOutput);
  if (bytes < 16) return store_first_bytes(v.lo, bytes, to);
  wasm_v128_store(to, v.lo);
  store_first_bytes(v.hi, bytes - 16, to + 16);
}

inline v128_t scale_to_float(v128_t t, v128_t scale, v128_t bias) noexcept {
  return wasm_f32x4_add(wasm_f32x4_mul(wasm_f32x4_convert_i32x4(t), scale), bias);
}

inline v128_t clamp(v128_t x, v128_t lo, v128_t hi) noexcept {
  return wasm_f32x4_pmin(wasm_f32x4_pmax(x, lo), hi);
}

inline v128_t round_to_int(v128_t x) noexcept {
  const v128_t magic = wasm_f32x4_splat(12582912.0f);
  return wasm_i32x4_sub(wasm_f32x4_add(x, magic), magic);
}

inline v128_t hard_swish(v128_t x, v128_t slope, v128_t top) noexcept {
  const v128_t half = wasm_f32x4_mul(wasm_f32x4_splat(0.5f), top);
  const v128_t factor = wasm_f32x4_add(wasm_f32x4_mul(x, slope), half);
  const v128_t positive = wasm_f32x4_pmax(wasm_f32x4_splat(0.0f), factor);
  return wasm_f32x4_mul(x, wasm_f32x4_pmin(top, positive));
}

inline v128_t leaky_relu(v128_t x, v128_t slope, v128_t top) noexcept {
  return wasm_f32x4_pmax(wasm_f32x4_mul(x, top), wasm_f32x4_mul(x, slope));
}

/// What rounds in one addition; NaN gives the lowest.
inline V8 limit_to_rounded(const V8& x) noexcept {
  const v128_t most = wasm_f32x4_splat(kMostRounded), least = wasm_f32x4_splat(-kMostRounded);
  return {wasm_f32x4_pmin(most, wasm_f32x4_pmax(least, x.lo)),
          wasm_f32x4_pmin(most, wasm_f32x4_pmax(least, x.hi))};
}

/// Eight numbers within ±kMostRounded as int16 between bounds.
inline v128_t round_to_codes(const V8& x, v128_t lo, v128_t hi) noexcept {
  const v128_t codes = wasm_i16x8_narrow_i32x4(round_to_int(x.lo), round_to_int(x.hi));
  return wasm_i16x8_min(hi, wasm_i16x8_max(lo, codes));
}

/// The same address, of which compilers know no more: what is read there is read where it is used.
/// Else they would do so before the loops of a tile, whose accumulators need the registers.
template <class T>
[[clang::always_inline]] inline T* read_late(T* address) noexcept {
  asm volatile("" : "+r"(address));
  return address;
}

/// The output step with its constants in registers, made once for a tile. Members are inlined by
/// force: accumulators that went through memory would cost as much as a short product.
template <QOutput kOutput>
class OutputStep {
public:
  [[clang::always_inline]] explicit OutputStep(const QOutputParams& p) noexcept
      : w_zero_(p.w_zero), bias_(p.bias), scale_(p.scale), bias_f32_(p.bias_f32),
        a_scale_(wasm_f32x4_splat(p.a_scale)),
        clamps_(p.lo > -std::numeric_limits<float>::infinity() ||
                p.hi < std::numeric_limits<float>::infinity()),
        bounded_(p.bounded), activates_(p.activation.function != QFunction::none),
        activation_(&p.activation) {
    if constexpr (kOutput == QOutput::f32) {
      lo_ = wasm_f32x4_splat(p.lo);
      hi_ = wasm_f32x4_splat(p.hi);
    } else {
      lo_ = wasm_i16x8_splat(static_cast<int16_t>(p.qmin - p.zero_point));
      hi_ = wasm_i16x8_splat(static_cast<int16_t>(p.qmax - p.zero_point));
    }
    offset_ = wasm_i16x8_splat(static_cast<int16_t>(p.zero_point));
  }

  /// What the accumulators of columns [n, n + 8) begin with.
  [[clang::always_inline]] V8 initial(size_t n) const noexcept {
    const v128_t zero = wasm_i32x4_splat(0);
    return bias_ ? load_v8(bias_ + n) : V8{zero, zero};
  }

  /// Finishes kRows accumulators of columns [n, n + 8), which began with zeros, and stores those
  /// before column_end.
  template <size_t kRows>
  [[clang::always_inline]] void store(V8 (&acc)[kRows], const int32_t* row_sum, size_t n,
                                      size_t column_end, void* const* c) const noexcept {
    const V8 bias = initial(n);
    for (V8& row : acc) row = {wasm_i32x4_add(row.lo, bias.lo), wasm_i32x4_add(row.hi, bias.hi)};
    store_begun(acc, row_sum, n, column_end, c);
  }

  /// The same for accumulators that began with initial(n).
  template <size_t kRows>
  [[clang::always_inline]] void store_begun(V8 (&acc)[kRows], const int32_t* row_sum, size_t n,
                                            size_t column_end, void* const* c) const noexcept {
    if (w_zero_) subtract_zero_points(acc, row_sum, n);
    if constexpr (kOutput == QOutput::f32)
      make_float(acc, n);
    else if constexpr (kOutput != QOutput::i32)
      make_quantized(acc, n);

    const size_t offset = n * output_bytes(kOutput);
    if (n + kPanelWidth <= column_end)
      for (size_t r = 0; r < kRows; ++r)
        store_columns<kOutput>(acc[r], static_cast<char*>(c[r]) + offset);
    else
      for (size_t r = 0; r < kRows; ++r)
        store_first_columns<kOutput>(acc[r], column_end - n, static_cast<char*>(c[r]) + offset);
  }

private:
  template <size_t kRows>
  [[clang::always_inline]] void subtract_zero_points(V8 (&acc)[kRows], const int32_t* row_sum,
                                                     size_t n) const noexcept {
    const V8 zero = load_v8(w_zero_ + n);
    for (size_t r = 0; r < kRows; ++r) {
      const v128_t sum = wasm_v128_load32_splat(row_sum + r);
      acc[r].lo = wasm_i32x4_sub(acc[r].lo, wasm_i32x4_mul(zero.lo, sum));
      acc[r].hi = wasm_i32x4_sub(acc[r].hi, wasm_i32x4_mul(zero.hi, sum));
    }
  }

  template <size_t kRows>
  [[clang::always_inline]] void make_float(V8 (&acc)[kRows], size_t n) const noexcept {
    const V8 w_scale = load_v8(scale_ + n);
    const V8 scale = {wasm_f32x4_mul(a_scale_, w_scale.lo), wasm_f32x4_mul(a_scale_, w_scale.hi)};
    const v128_t none = wasm_f32x4_splat(-0.0f);
    const V8 bias = bias_f32_ ? load_v8(bias_f32_ + n) : V8{none, none};
    for (V8& row : acc) {
      row.lo = scale_to_float(row.lo, scale.lo, bias.lo);
      row.hi = scale_to_float(row.hi, scale.hi, bias.hi);
    }
    if (!clamps_) return;
    for (V8& row : acc) row = {clamp(row.lo, lo_, hi_), clamp(row.hi, lo_, hi_)};
  }

  /// Leaves a row's codes in its low vector.
  template <size_t kRows>
  [[clang::always_inline]] void make_quantized(V8 (&acc)[kRows], size_t n) const noexcept {
    const V8 scale = load_v8(scale_ + n);
    for (V8& row : acc) {
      row.lo = wasm_f32x4_mul(wasm_f32x4_convert_i32x4(row.lo), scale.lo);
      row.hi = wasm_f32x4_mul(wasm_f32x4_convert_i32x4(row.hi), scale.hi);
    }
    if (bias_f32_) {
      const V8 bias = load_v8(bias_f32_ + n);
      for (V8& row : acc) row = {wasm_f32x4_add(row.lo, bias.lo), wasm_f32x4_add(row.hi, bias.hi)};
    }
    if (activates_) activate(acc, *read_late(activation_));
    if (!bounded_)
      for (V8& row : acc) row = limit_to_rounded(row);
    for (V8& row : acc) row.lo = code_bytes(round_to_codes(row, lo_, hi_));
  }

  v128_t code_bytes(v128_t codes) const noexcept {
    if constexpr (kOutput == QOutput::s16) return codes;
    const v128_t shifted = wasm_i16x8_add(codes, offset_);
    return kOutput == QOutput::u8 ? wasm_u8x16_narrow_i16x8(shifted, shifted)
                                  : wasm_i8x16_narrow_i16x8(shifted, shifted);
  }

  template <size_t kRows>
  [[clang::always_inline]] static void activate(V8 (&acc)[kRows],
                                                const QActivation& activation) noexcept {
    if (activation.rounds) round_argument(acc, activation);
    const v128_t slope = wasm_f32x4_splat(activation.slope);
    const v128_t top = wasm_f32x4_splat(activation.top);
    if (activation.function == QFunction::hard_swish)
      apply(acc, [&](v128_t x) { return hard_swish(x, slope, top); });
    else
      apply(acc, [&](v128_t x) { return leaky_relu(x, slope, top); });
    if (activation.shift == 0) return;
    const v128_t shift = wasm_f32x4_splat(activation.shift);
    apply(acc, [&](v128_t x) { return wasm_f32x4_add(x, shift); });
  }

  template <size_t kRows>
  [[clang::always_inline]] static void round_argument(V8 (&acc)[kRows],
                                                      const QActivation& activation) noexcept {
    apply(acc, [](v128_t x) { return wasm_f32x4_nearest(x); });
    if (activation.lo > -std::numeric_limits<float>::infinity()) {
      const v128_t lo = wasm_f32x4_splat(activation.lo);
      apply(acc, [&](v128_t x) { return wasm_f32x4_pmax(lo, x); });
    }
    if (activation.hi < std::numeric_limits<float>::infinity()) {
      const v128_t hi = wasm_f32x4_splat(activation.hi);
      apply(acc, [&](v128_t x) { return wasm_f32x4_pmin(hi, x); });
    }
  }

  /// f of every element; unrolled, for accumulators to stay in registers.
  template <size_t kRows, class F>
  [[clang::always_inline]] static void apply(V8 (&acc)[kRows], const F& f) noexcept {
#pragma clang loop unroll(full)
    for (size_t r = 0; r < kRows; ++r) acc[r] = {f(acc[r].lo), f(acc[r].hi)};
  }

  const int32_t* w_zero_;
  const int32_t* bias_;
  const float* scale_;
  const float* bias_f32_;
  v128_t a_scale_;
  bool clamps_, bounded_, activates_;
  const QActivation* activation_;
  v128_t lo_;
  v128_t hi_;
  v128_t offset_;
};

} // namespace octet::kernels
