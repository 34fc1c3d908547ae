// Between real and quantized numbers: real = scale · (q − zero_point).
//
//   quantize:    q = clamp(round_half_even(x / scale), qmin − zero_point, qmax − zero_point)
//                    + zero_point                     (ONNX QuantizeLinear; a true division)
//   dequantize:  x = float(q − zero_point) · scale   (ONNX DequantizeLinear)
// NaN quantizes to qmin, as in onnxruntime; infinities saturate.
#pragma once

#include <cstddef>
#include <cstdint>

namespace octet::kernels {

enum class QType : uint8_t { u8, s8, u16, s16, s32 };

inline constexpr size_t element_bytes(QType type) noexcept {
  switch (type) {
  case QType::u8:
  case QType::s8:
    return 1;
  case QType::u16:
  case QType::s16:
    return 2;
  case QType::s32:
    return 4;
  }
  return 0;
}

/// A tensor seen as [outer, axis, inner], with one scale and zero point per index of axis.
/// Per tensor: outer = axis = 1. zero_point has the quantized type; null means zeros.
struct QuantAxis {
  size_t outer = 1;
  size_t axis = 1;
  size_t inner = 0;
  const float* scale = nullptr;
  const void* zero_point = nullptr;
};

/// Elements [begin, end) of the flat tensor; x and y point at element 0. `type` is not s32.
void quantize_linear(const QuantAxis& axes, const float* x, QType type, void* y, size_t begin,
                     size_t end) noexcept;
void dequantize_linear(const QuantAxis& axes, const void* x, QType type, float* y, size_t begin,
                       size_t end) noexcept;

/// ONNX DynamicQuantizeLinear in three steps, so that the two passes can be split into ranges:
/// find the range, choose the parameters, quantize.
struct ValueRange {
  float min = 0.0f; // never above 0
  float max = 0.0f; // never below 0
};
struct DynamicQuantParams {
  float scale = 1.0f;
  uint8_t zero_point = 0;
};

/// Range of x[0, n) and 0; NaN is skipped.
ValueRange value_range(const float* x, size_t n) noexcept;
ValueRange merge(ValueRange a, ValueRange b) noexcept;

/// scale = (max − min) / 255, or 1 for an empty range as in onnxruntime;
/// zero_point = round_half_even(clamp(0 − min / scale, 0, 255)).
DynamicQuantParams choose_dynamic_params(ValueRange range) noexcept;

/// y = q as above, with qmin = 0 and qmax = 255.
void quantize_u8(const float* x, size_t n, DynamicQuantParams params, uint8_t* y) noexcept;
/// y = q − zero_point: what the integer kernels read. Equals quantize_u8 followed by widen_u8.
void quantize_s16(const float* x, size_t n, DynamicQuantParams params, int16_t* y) noexcept;
/// The same under a given scale, between whole bounds: y = clamp(round_half_even(x / scale), lo,
/// hi).
void quantize_codes(const float* x, size_t n, float scale, int32_t lo, int32_t hi,
                    int16_t* y) noexcept;

/// y = x − zero_point.
void widen_u8(const uint8_t* x, size_t n, uint8_t zero_point, int16_t* y) noexcept;
void widen_s8(const int8_t* x, size_t n, int8_t zero_point, int16_t* y) noexcept;

/// y = x + zero_point, between the bounds of y's type.
void narrow_u8(const int16_t* x, size_t n, uint8_t zero_point, uint8_t* y) noexcept;
void narrow_s8(const int16_t* x, size_t n, int8_t zero_point, int8_t* y) noexcept;

} // namespace octet::kernels
