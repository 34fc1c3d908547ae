#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/dispatch.h"

namespace octet::kernels {
namespace {

template <class Q>
void quantize(const float* x, size_t n, const QuantizeParams& p, void* y) noexcept {
  for (size_t i = 0; i < n; ++i) {
    float value = x[i] / p.scale;
    value = p.lo < value ? value : p.lo;
    value = value < p.hi ? value : p.hi;
    static_cast<Q*>(y)[i] = static_cast<Q>(static_cast<int32_t>(std::nearbyint(value)) + p.offset);
  }
}

template <class Q>
void dequantize(const void* x, size_t n, int32_t zero_point, float scale, float* y) noexcept {
  for (size_t i = 0; i < n; ++i) {
    const auto q = static_cast<uint32_t>(static_cast<const Q*>(x)[i]);
    const auto centered = static_cast<int32_t>(q - static_cast<uint32_t>(zero_point));
    y[i] = static_cast<float>(centered) * scale;
  }
}

template <class Q>
void widen(const void* x, size_t n, int32_t zero_point, int16_t* y) noexcept {
  for (size_t i = 0; i < n; ++i)
    y[i] = static_cast<int16_t>(static_cast<const Q*>(x)[i] - zero_point);
}

template <class Q>
void narrow(const int16_t* x, size_t n, int32_t zero_point, void* y) noexcept {
  using Limits = std::numeric_limits<Q>;
  for (size_t i = 0; i < n; ++i)
    static_cast<Q*>(y)[i] =
        static_cast<Q>(std::clamp<int32_t>(x[i] + zero_point, Limits::min(), Limits::max()));
}

} // namespace

ValueRange f32_value_range_reference(const float* x, size_t n) noexcept {
  ValueRange range;
  for (size_t i = 0; i < n; ++i) {
    range.min = x[i] < range.min ? x[i] : range.min;
    range.max = range.max < x[i] ? x[i] : range.max;
  }
  return range;
}

void f32_qu8_quantize_reference(const float* x, size_t n, const QuantizeParams& params,
                                void* y) noexcept {
  quantize<uint8_t>(x, n, params, y);
}
void f32_qs8_quantize_reference(const float* x, size_t n, const QuantizeParams& params,
                                void* y) noexcept {
  quantize<int8_t>(x, n, params, y);
}
void f32_qu16_quantize_reference(const float* x, size_t n, const QuantizeParams& params,
                                 void* y) noexcept {
  quantize<uint16_t>(x, n, params, y);
}
void f32_qs16_quantize_reference(const float* x, size_t n, const QuantizeParams& params,
                                 void* y) noexcept {
  quantize<int16_t>(x, n, params, y);
}

void qu8_f32_dequantize_reference(const void* x, size_t n, int32_t zero_point, float scale,
                                  float* y) noexcept {
  dequantize<uint8_t>(x, n, zero_point, scale, y);
}
void qs8_f32_dequantize_reference(const void* x, size_t n, int32_t zero_point, float scale,
                                  float* y) noexcept {
  dequantize<int8_t>(x, n, zero_point, scale, y);
}
void qu16_f32_dequantize_reference(const void* x, size_t n, int32_t zero_point, float scale,
                                   float* y) noexcept {
  dequantize<uint16_t>(x, n, zero_point, scale, y);
}
void qs16_f32_dequantize_reference(const void* x, size_t n, int32_t zero_point, float scale,
                                   float* y) noexcept {
  dequantize<int16_t>(x, n, zero_point, scale, y);
}
void qs32_f32_dequantize_reference(const void* x, size_t n, int32_t zero_point, float scale,
                                   float* y) noexcept {
  dequantize<int32_t>(x, n, zero_point, scale, y);
}

void qu8_qs16_widen_reference(const void* x, size_t n, int32_t zero_point, int16_t* y) noexcept {
  widen<uint8_t>(x, n, zero_point, y);
}
void qs8_qs16_widen_reference(const void* x, size_t n, int32_t zero_point, int16_t* y) noexcept {
  widen<int8_t>(x, n, zero_point, y);
}

void qs16_qu8_narrow_reference(const int16_t* x, size_t n, int32_t zero_point, void* y) noexcept {
  narrow<uint8_t>(x, n, zero_point, y);
}
void qs16_qs8_narrow_reference(const int16_t* x, size_t n, int32_t zero_point, void* y) noexcept {
  narrow<int8_t>(x, n, zero_point, y);
}

} // namespace octet::kernels
