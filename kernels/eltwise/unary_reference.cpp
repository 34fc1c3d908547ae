#include <algorithm>
#include <cmath>
#include <numbers>

#include "kernels/dispatch.h"

namespace octet::kernels {
namespace {

using P = const float*;

float raise(float x, float lo) {
  return x < lo ? lo : x;
}
float lower(float x, float hi) {
  return x > hi ? hi : x;
}
float sigmoid_of(float x) {
  return 1.0f / (1.0f + std::exp(-x));
}

// One function per row of unary_list.inc, computed in float by the formula there.
namespace one {
float abs(float x, P) {
  return std::abs(x);
}
float neg(float x, P) {
  return -x;
}
float floor(float x, P) {
  return std::floor(x);
}
float ceil(float x, P) {
  return std::ceil(x);
}
float round(float x, P) {
  return std::nearbyint(x);
}
float sqrt(float x, P) {
  return std::sqrt(x);
}
float square(float x, P) {
  return x * x;
}
float reciprocal(float x, P) {
  return 1.0f / x;
}
float exp(float x, P) {
  return std::exp(x);
}
float log(float x, P) {
  return std::log(x);
}
float tanh(float x, P) {
  return std::tanh(x);
}
float erf(float x, P) {
  return std::erf(x);
}
float sigmoid(float x, P) {
  return sigmoid_of(x);
}
float relu(float x, P) {
  return raise(x, 0.0f);
}
float leaky_relu(float x, P p) {
  return x < 0 ? p[0] * x : x;
}
float clip(float x, P p) {
  return lower(raise(x, p[0]), p[1]);
}
float elu(float x, P p) {
  return x < 0 ? p[0] * std::expm1(x) : x;
}
float hard_sigmoid(float x, P p) {
  return lower(raise(p[0] * x + p[1], 0.0f), 1.0f);
}
float hard_swish(float x, P) {
  return x * lower(raise(x * (1.0f / 6.0f) + 0.5f, 0.0f), 1.0f);
}
float relu6_swish(float x, P) {
  return x * lower(raise(x + 3.0f, 0.0f), 6.0f) / 6.0f;
}
float scaled_hard_swish(float x, P p) {
  return p[0] * hard_swish(x, p) + p[1];
}
float scaled_relu6_swish(float x, P p) {
  return p[0] * relu6_swish(x, p) + p[1];
}
float swish(float x, P p) {
  return x * sigmoid_of(p[0] * x);
}
float softplus(float x, P) {
  return raise(x, 0.0f) + std::log1p(std::exp(-std::abs(x)));
}
float mish(float x, P) {
  return x * std::tanh(softplus(x, nullptr));
}
float softsign(float x, P) {
  return x / (1.0f + std::abs(x));
}
float gelu(float x, P) {
  return 0.5f * x * (1.0f + std::erf(x * static_cast<float>(1.0 / std::numbers::sqrt2)));
}
float gelu_tanh(float x, P) {
  // √(2/π)
  const auto scale = static_cast<float>(std::numbers::sqrt2 * std::numbers::inv_sqrtpi);
  return 0.5f * x * (1.0f + std::tanh(scale * (x + 0.044715f * x * x * x)));
}
float multiply_add(float x, P p) {
  return p[0] * x + p[1];
}
} // namespace one

} // namespace

#define OCTET_UNARY(name)                                                                          \
  void f32_##name##_reference(const float* x, float* y, size_t n, const float* params) noexcept {  \
    for (size_t i = 0; i < n; ++i) y[i] = one::name(x[i], params);                                 \
  }
#include "kernels/eltwise/unary_list.inc"
#undef OCTET_UNARY

} // namespace octet::kernels
