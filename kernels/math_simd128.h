// Elementary functions on four floats, for the simd128 kernels. A NaN stays a NaN.
//
// Polynomials and splittings of ln 2: S. Moshier, Cephes Math Library 2.2, single precision
// (expf.c, logf.c). erf: N. Juffa's minimax approximations of erff in two pieces, as published and
// used by MLAS in onnxruntime; and the rational approximation in Eigen and XLA.
#pragma once

#include "kernels/simd.h"

namespace octet::kernels {

inline v128_t splat(float x) noexcept {
  return wasm_f32x4_splat(x);
}

/// a·b + c, rounded twice.
inline v128_t multiply_add(v128_t a, v128_t b, v128_t c) noexcept {
  return wasm_f32x4_add(wasm_f32x4_mul(a, b), c);
}

/// The polynomial whose coefficients are `terms`, highest power first, by Estrin's scheme:
/// neighbours are joined, then pairs of pairs; it waits for fewer results than Horner's.
template <size_t kTerms>
v128_t join_terms(const v128_t (&terms)[kTerms], v128_t x) noexcept {
  if constexpr (kTerms == 1) {
    return terms[0];
  } else {
    constexpr size_t kAlone = kTerms % 2;
    v128_t joined[(kTerms + 1) / 2] = {terms[0]};
    for (size_t i = kAlone; i < kTerms; i += 2)
      joined[(i + 1) / 2] = multiply_add(terms[i], x, terms[i + 1]);
    return join_terms(joined, wasm_f32x4_mul(x, x));
  }
}

/// The polynomial with the given coefficients, highest power first.
template <class... Coefficients>
v128_t polynomial(v128_t x, Coefficients... coefficients) noexcept {
  return join_terms({splat(coefficients)...}, x);
}

/// exp(x) = (1 + fraction) · 2^exponent, |fraction| < 0.42.
struct ExpParts {
  v128_t fraction;
  v128_t exponent; // int32
};

/// For |x| < 2^13.
inline ExpParts split_exp(v128_t x) noexcept {
  const v128_t magic = splat(12582912.0f); // 1.5·2^23: the sum's low bits are the rounded integer
  const v128_t shifted = multiply_add(x, splat(1.44269504088896341f), magic);
  const v128_t n = wasm_f32x4_sub(shifted, magic);
  v128_t r = wasm_f32x4_sub(x, wasm_f32x4_mul(n, splat(0.693359375f)));
  r = wasm_f32x4_sub(r, wasm_f32x4_mul(n, splat(-2.12194440e-4f)));
  const v128_t p = polynomial(r, 1.9875691500e-4f, 1.3981999507e-3f, 8.3334519073e-3f,
                              4.1665795894e-2f, 1.6666665459e-1f, 5.0000001201e-1f);
  return {multiply_add(p, wasm_f32x4_mul(r, r), r), wasm_i32x4_sub(shifted, magic)};
}

/// 2^n for -127 <= n <= 127, where 2^-127 gives 0.
inline v128_t power_of_two(v128_t n) noexcept {
  return wasm_i32x4_shl(wasm_i32x4_add(n, wasm_i32x4_splat(127)), 23);
}

inline v128_t exp(v128_t x) noexcept {
  x = wasm_f32x4_pmin(wasm_f32x4_pmax(x, splat(-104.0f)), splat(89.0f));
  const ExpParts e = split_exp(x);
  const v128_t half = wasm_i32x4_shr(e.exponent, 1);
  const v128_t y = wasm_f32x4_mul(wasm_f32x4_add(e.fraction, splat(1.0f)), power_of_two(half));
  return wasm_f32x4_mul(y, power_of_two(wasm_i32x4_sub(e.exponent, half)));
}

/// exp(x) for x <= 0; 0 where the result would not be a normal number.
inline v128_t exp_of_negative(v128_t x) noexcept {
  const ExpParts e = split_exp(wasm_f32x4_pmax(x, splat(-88.0f)));
  const v128_t scale = power_of_two(e.exponent);
  return multiply_add(e.fraction, scale, scale);
}

/// 2^x for -127 <= x <= 127, where 2^-127 gives 0, with a relative error of 2^-23 + |x| · 2^-25.
/// The polynomial is the minimax one of 2^r for |r| <= 1/2.
inline v128_t power_of_two_f32(v128_t x) noexcept {
  const v128_t magic = splat(12582912.0f + 127); // the sum's low bits are the rounded x, plus 127
  const v128_t shifted = wasm_f32x4_add(x, magic);
  const v128_t r = wasm_f32x4_sub(x, wasm_f32x4_sub(shifted, magic));
  const v128_t p = polynomial(r, 1.327647217e-3f, 9.675541331e-3f, 5.550713273e-2f, 2.402211972e-1f,
                              6.931469671e-1f, 1.000000072f);
  return wasm_f32x4_mul(p, wasm_i32x4_shl(shifted, 23));
}

/// exp(x) − 1 for x <= 0, exact to a few units in the last place also near 0.
inline v128_t expm1_of_negative(v128_t x) noexcept {
  const ExpParts e = split_exp(wasm_f32x4_pmax(x, splat(-88.0f)));
  const v128_t scale = power_of_two(e.exponent);
  return multiply_add(e.fraction, scale, wasm_f32x4_sub(scale, splat(1.0f)));
}

/// log(m) for finite m > 0 that is a normal number.
inline v128_t log_of_normal(v128_t x, v128_t extra_exponent) noexcept {
  const v128_t root_half = wasm_i32x4_splat(0x3f3504f3); // bits of √½
  const v128_t distance = wasm_i32x4_sub(x, root_half);
  const v128_t n = wasm_i32x4_add(wasm_i32x4_shr(distance, 23), extra_exponent);
  const v128_t e = wasm_f32x4_convert_i32x4(n);
  const v128_t mantissa = wasm_v128_and(distance, wasm_i32x4_splat(0x7fffff));
  const v128_t f = wasm_f32x4_sub(wasm_i32x4_add(mantissa, root_half), splat(1.0f));
  const v128_t z = wasm_f32x4_mul(f, f);
  const v128_t p = polynomial(f, 7.0376836292e-2f, -1.1514610310e-1f, 1.1676998740e-1f,
                              -1.2420140846e-1f, 1.4249322787e-1f, -1.6668057665e-1f,
                              2.0000714765e-1f, -2.4999993993e-1f, 3.3333331174e-1f);
  v128_t y = wasm_f32x4_mul(wasm_f32x4_mul(p, z), f);
  y = multiply_add(e, splat(-2.12194440e-4f), y);
  y = multiply_add(z, splat(-0.5f), y);
  return multiply_add(e, splat(0.693359375f), wasm_f32x4_add(f, y));
}

inline v128_t log(v128_t x) noexcept {
  const v128_t infinity = splat(__builtin_inff());
  const v128_t zero = splat(0.0f);
  const v128_t tiny = wasm_f32x4_lt(x, splat(0x1p-126f));
  const v128_t scaled = wasm_v128_bitselect(wasm_f32x4_mul(x, splat(0x1p23f)), x, tiny);
  v128_t y = log_of_normal(scaled, wasm_v128_and(tiny, wasm_i32x4_splat(-23)));
  y = wasm_v128_bitselect(y, x, wasm_f32x4_lt(x, infinity)); // infinity and NaN are their own
  y = wasm_v128_bitselect(splat(-__builtin_inff()), y, wasm_f32x4_eq(x, zero));
  return wasm_v128_or(y, wasm_f32x4_lt(x, zero)); // NaN below zero
}

/// log(1 + x) for 0 <= x <= 1. The division undoes the rounding of 1 + x.
inline v128_t log1p_of_unit(v128_t x) noexcept {
  const v128_t one = splat(1.0f);
  const v128_t sum = wasm_f32x4_add(x, one);
  const v128_t lost = wasm_f32x4_sub(x, wasm_f32x4_sub(sum, one));
  return wasm_f32x4_add(log_of_normal(sum, wasm_i32x4_splat(0)), wasm_f32x4_div(lost, sum));
}

inline v128_t negative_abs(v128_t x) noexcept {
  return wasm_v128_or(x, wasm_i32x4_splat(INT32_MIN));
}

inline v128_t with_sign_of(v128_t magnitude, v128_t x) noexcept {
  return wasm_v128_bitselect(x, magnitude, wasm_i32x4_splat(INT32_MIN));
}

/// tanh|x| = (1 − e) / (1 + e), e = exp(−2|x|).
inline v128_t tanh(v128_t x) noexcept {
  const v128_t t = expm1_of_negative(wasm_f32x4_mul(negative_abs(x), splat(2.0f)));
  return with_sign_of(wasm_f32x4_div(t, wasm_f32x4_add(t, splat(2.0f))), x);
}

/// e / (1 + e) for x < 0, 1 / (1 + e) otherwise; e = exp(−|x|).
inline v128_t sigmoid(v128_t x) noexcept {
  const v128_t one = splat(1.0f);
  const v128_t e = exp_of_negative(negative_abs(x));
  const v128_t numerator = wasm_v128_bitselect(e, one, wasm_f32x4_lt(x, splat(0.0f)));
  return wasm_f32x4_div(numerator, wasm_f32x4_add(e, one));
}

inline v128_t erf(v128_t x) noexcept {
  const v128_t t = wasm_f32x4_abs(x);
  const v128_t z = wasm_f32x4_mul(x, x);
  const v128_t near = multiply_add(polynomial(z, -5.96761703e-4f, 4.99119423e-3f, -2.67681349e-2f,
                                              1.12819925e-1f, -3.76125336e-1f, 1.28379166e-1f),
                                   x, x);
  const v128_t bounded = wasm_f32x4_pmin(t, splat(4.0f)); // erf rounds to 1 from 3.93 on
  const v128_t p = polynomial(bounded, -1.72853470e-5f, 3.83197126e-4f, -3.88396438e-3f,
                              2.42546219e-2f, -1.06777877e-1f, -6.34846687e-1f, -1.28717512e-1f);
  const v128_t tail = expm1_of_negative(multiply_add(p, bounded, wasm_f32x4_neg(bounded)));
  const v128_t far = with_sign_of(tail, x);
  return wasm_v128_bitselect(far, near, wasm_f32x4_gt(t, splat(0.927734375f)));
}

/// erf with an absolute error below 4e-7, for sums with 1: x·P(x²) / Q(x²).
inline v128_t erf_beside_one(v128_t x) noexcept {
  const v128_t bounded = wasm_f32x4_pmin(wasm_f32x4_pmax(x, splat(-4.0f)),
                                         splat(4.0f)); // erf rounds to 1 from 3.93 on
  const v128_t z = wasm_f32x4_mul(bounded, bounded);
  const v128_t p =
      polynomial(z, -2.72614225801306e-10f, 2.77068142495902e-08f, -2.10102402082508e-06f,
                 -5.69250639462346e-05f, -7.34990630326855e-04f, -2.95459980854025e-03f,
                 -1.60960333262415e-02f);
  const v128_t q =
      polynomial(z, -1.45660718464996e-05f, -2.13374055278905e-04f, -1.68282697438203e-03f,
                 -7.37332916720468e-03f, -1.42647390514189e-02f);
  return wasm_f32x4_div(wasm_f32x4_mul(bounded, p), q);
}

} // namespace octet::kernels
