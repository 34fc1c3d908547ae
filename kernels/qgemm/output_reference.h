// The output step of output.h for one accumulator, written for reading.
#pragma once

#include <cmath>

#include "kernels/qgemm/output.h"

namespace octet::kernels {

inline int32_t wrap_add(int32_t a, int32_t b) noexcept {
  return static_cast<int32_t>(static_cast<uint32_t>(a) + static_cast<uint32_t>(b));
}

inline int32_t wrap_mul(int32_t a, int32_t b) noexcept {
  return static_cast<int32_t>(static_cast<uint32_t>(a) * static_cast<uint32_t>(b));
}

inline float hard_swish(float x, float slope, float top) noexcept {
  float factor = x * slope + 0.5f * top;
  factor = 0.0f < factor ? factor : 0.0f;
  return x * (factor < top ? factor : top);
}

inline float leaky_relu(float x, float slope, float top) noexcept {
  return x * top < x * slope ? x * slope : x * top;
}

/// NaN gives the lowest.
inline float round_between(float x, float lo, float hi) noexcept {
  x = lo < x ? x : lo;
  x = x < hi ? x : hi;
  return std::nearbyint(x);
}

inline float activate(float x, const QActivation& activation) noexcept {
  if (activation.function == QFunction::none) return x;
  if (activation.rounds) x = round_between(x, activation.lo, activation.hi);
  const auto function = activation.function == QFunction::hard_swish ? hard_swish : leaky_relu;
  return function(x, activation.slope, activation.top) + activation.shift;
}

inline int32_t requantize(int32_t t, size_t n, const QOutputParams& p) noexcept {
  float x = static_cast<float>(t) * p.scale[n];
  if (p.bias_f32) x += p.bias_f32[n];
  return static_cast<int32_t>(round_between(activate(x, p.activation),
                                            static_cast<float>(p.qmin - p.zero_point),
                                            static_cast<float>(p.qmax - p.zero_point)));
}

inline float scale_to_float(int32_t t, size_t n, const QOutputParams& p) noexcept {
  const float scale = p.a_scale * p.scale[n];
  float x = static_cast<float>(t) * scale;
  if (p.bias_f32) x += p.bias_f32[n];
  x = x < p.lo ? p.lo : x;
  return p.hi < x ? p.hi : x;
}

/// Finishes column n of a row and stores it to row[n].
template <QOutput kOutput>
void store_output_reference(int32_t acc, int32_t row_sum, size_t n, const QOutputParams& p,
                            void* row) noexcept {
  int32_t t = acc;
  if (p.w_zero) t = wrap_add(t, wrap_mul(-p.w_zero[n], row_sum));
  if (p.bias) t = wrap_add(t, p.bias[n]);

  if constexpr (kOutput == QOutput::i32)
    static_cast<int32_t*>(row)[n] = t;
  else if constexpr (kOutput == QOutput::f32)
    static_cast<float*>(row)[n] = scale_to_float(t, n, p);
  else if constexpr (kOutput == QOutput::s16)
    static_cast<int16_t*>(row)[n] = static_cast<int16_t>(requantize(t, n, p));
  else if constexpr (kOutput == QOutput::u8)
    static_cast<uint8_t*>(row)[n] = static_cast<uint8_t>(requantize(t, n, p) + p.zero_point);
  else
    static_cast<int8_t*>(row)[n] = static_cast<int8_t>(requantize(t, n, p) + p.zero_point);
}

} // namespace octet::kernels
