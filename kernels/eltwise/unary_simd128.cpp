#include <numbers>

#include "kernels/dispatch.h"
#include "kernels/eltwise/map_simd128.h"

namespace octet::kernels {
namespace {

using P = const float*;

v128_t splat_param(P p) noexcept {
  return wasm_v128_load32_splat(p);
}

/// NaN passes through.
v128_t clamp(v128_t x, v128_t lo, v128_t hi) noexcept {
  return wasm_f32x4_pmin(wasm_f32x4_pmax(x, lo), hi);
}

// One function per row of unary_list.inc.
namespace four {
v128_t abs(v128_t x, P) noexcept {
  return wasm_f32x4_abs(x);
}
v128_t neg(v128_t x, P) noexcept {
  return wasm_f32x4_neg(x);
}
v128_t floor(v128_t x, P) noexcept {
  return wasm_f32x4_floor(x);
}
v128_t ceil(v128_t x, P) noexcept {
  return wasm_f32x4_ceil(x);
}
v128_t round(v128_t x, P) noexcept {
  return wasm_f32x4_nearest(x);
}
v128_t sqrt(v128_t x, P) noexcept {
  return wasm_f32x4_sqrt(x);
}
v128_t square(v128_t x, P) noexcept {
  return wasm_f32x4_mul(x, x);
}
v128_t reciprocal(v128_t x, P) noexcept {
  return wasm_f32x4_div(splat(1.0f), x);
}
v128_t exp(v128_t x, P) noexcept {
  return kernels::exp(x);
}
v128_t log(v128_t x, P) noexcept {
  return kernels::log(x);
}
v128_t tanh(v128_t x, P) noexcept {
  return kernels::tanh(x);
}
v128_t erf(v128_t x, P) noexcept {
  return kernels::erf(x);
}
v128_t sigmoid(v128_t x, P) noexcept {
  return kernels::sigmoid(x);
}
v128_t relu(v128_t x, P) noexcept {
  return wasm_f32x4_pmax(x, splat(0.0f));
}
v128_t leaky_relu(v128_t x, P p) noexcept {
  return wasm_v128_bitselect(wasm_f32x4_mul(splat_param(p), x), x, wasm_f32x4_lt(x, splat(0.0f)));
}
v128_t clip(v128_t x, P p) noexcept {
  return clamp(x, splat_param(p), splat_param(p + 1));
}
v128_t elu(v128_t x, P p) noexcept {
  const v128_t below = wasm_f32x4_mul(splat_param(p), expm1_of_negative(negative_abs(x)));
  return wasm_v128_bitselect(below, x, wasm_f32x4_lt(x, splat(0.0f)));
}
v128_t hard_sigmoid(v128_t x, P p) noexcept {
  const v128_t line = kernels::multiply_add(splat_param(p), x, splat_param(p + 1));
  return clamp(line, splat(0.0f), splat(1.0f));
}
v128_t hard_swish(v128_t x, P) noexcept {
  const v128_t line = kernels::multiply_add(x, splat(1.0f / 6.0f), splat(0.5f));
  return wasm_f32x4_mul(x, clamp(line, splat(0.0f), splat(1.0f)));
}
v128_t relu6_swish(v128_t x, P) noexcept {
  const v128_t relu6 = clamp(wasm_f32x4_add(x, splat(3.0f)), splat(0.0f), splat(6.0f));
  return wasm_f32x4_div(wasm_f32x4_mul(x, relu6), splat(6.0f));
}
v128_t scaled_hard_swish(v128_t x, P p) noexcept {
  return kernels::multiply_add(splat_param(p), hard_swish(x, p), splat_param(p + 1));
}
v128_t scaled_relu6_swish(v128_t x, P p) noexcept {
  return kernels::multiply_add(splat_param(p), relu6_swish(x, p), splat_param(p + 1));
}
v128_t swish(v128_t x, P p) noexcept {
  return wasm_f32x4_mul(x, kernels::sigmoid(wasm_f32x4_mul(splat_param(p), x)));
}
v128_t softplus(v128_t x, P) noexcept {
  const v128_t rest = log1p_of_unit(exp_of_negative(negative_abs(x)));
  return wasm_f32x4_add(wasm_f32x4_pmax(x, splat(0.0f)), rest);
}
/// With e = exp(−|x|), tanh(log(1 + exp(x))) is n / (n + 2 d), where n = e·(e + 2), d = 1 for x <
/// 0, and n = 1 + 2 e, d = e² otherwise.
v128_t mish(v128_t x, P) noexcept {
  const v128_t two = splat(2.0f);
  const v128_t is_negative = wasm_f32x4_lt(x, splat(0.0f));
  const v128_t e = exp_of_negative(negative_abs(x));
  const v128_t square = wasm_f32x4_mul(e, e);
  const v128_t twice = wasm_f32x4_mul(e, two);
  const v128_t n = wasm_f32x4_add(twice, wasm_v128_bitselect(square, splat(1.0f), is_negative));
  const v128_t d = wasm_v128_bitselect(splat(1.0f), square, is_negative);
  return wasm_f32x4_mul(x, wasm_f32x4_div(n, kernels::multiply_add(d, two, n)));
}
v128_t softsign(v128_t x, P) noexcept {
  return wasm_f32x4_div(x, wasm_f32x4_add(splat(1.0f), wasm_f32x4_abs(x)));
}
v128_t gelu(v128_t x, P) noexcept {
  const v128_t half = wasm_f32x4_mul(x, splat(0.5f));
  const auto root = static_cast<float>(1.0 / std::numbers::sqrt2);
  return kernels::multiply_add(half, erf_beside_one(wasm_f32x4_mul(x, splat(root))), half);
}
/// 1 + tanh(u) is 2 sigmoid(2u).
v128_t gelu_tanh(v128_t x, P) noexcept {
  const auto scale = static_cast<float>(2.0 * std::numbers::sqrt2 * std::numbers::inv_sqrtpi);
  const v128_t square = wasm_f32x4_mul(x, x);
  const v128_t factor = kernels::multiply_add(square, splat(0.044715f * scale), splat(scale));
  return wasm_f32x4_mul(x, kernels::sigmoid(wasm_f32x4_mul(x, factor)));
}
v128_t multiply_add(v128_t x, P p) noexcept {
  return kernels::multiply_add(splat_param(p), x, splat_param(p + 1));
}
} // namespace four

} // namespace

#define OCTET_UNARY(name)                                                                          \
  void f32_##name##_simd128(const float* x, float* y, size_t n, const float* params) noexcept {    \
    map(x, y, n, [params](v128_t v) { return four::name(v, params); });                            \
  }
#include "kernels/eltwise/unary_list.inc"
#undef OCTET_UNARY

} // namespace octet::kernels
