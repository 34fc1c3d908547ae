// The arithmetic of affine quantization, shared by the quantizers and the public free functions.
//
//   scale = (max − min) / (qmax − qmin),  zero_point = saturate(round(qmin − min / scale))
//   q = saturate(round(x / scale) + zero_point),  x ≈ scale * (q − zero_point)
// which is q = round((x − min) / (max − min) · (qmax − qmin) + qmin) with the zero point made an
// integer, so that 0 is exactly representable. Rounding is half to even (ONNX QuantizeLinear).
// Ranges are widened to include 0.
#pragma once

#include <math.h>

#include <cstdint>
#include <span>

#include "base/dtype.h"

namespace octet {

struct QuantRange {
  int32_t min, max;
};

// The integers of a quantized type: Int8 −128…127 (or −127…127 when symmetric), UInt8, Int4, UInt4,
// Int16, UInt16. Reduced: with 7 of 8 bits, as onnxruntime's quantizer has them: Int8 −64…64, UInt8
// 0…127 (or 1…127 when symmetric). Throws InvalidOption for other types.
QuantRange quant_range(DType type, bool symmetric, bool reduced = false);

struct ScaleAndZero {
  float scale = 1;
  int32_t zero_point = 0;
};

// Parameters for values in [min, max]. Symmetric: zero_point is the middle of the type's range (0,
// or 128 for UInt8, reduced 64) and the range is ±max(|min|, |max|). A range of {0} gives scale 1.
// Throws InvalidInput for NaN, infinities or min > max.
ScaleAndZero choose_quant_params(float min, float max, DType type, bool symmetric,
                                 bool reduced = false);

// NaN becomes the zero point. Forced inline, as builds for size inline nothing else and these are
// all that some loops do.
[[gnu::always_inline]] inline int32_t quantize_value(float value, ScaleAndZero params,
                                                     QuantRange range) {
  const float q = nearbyintf(value / params.scale) + static_cast<float>(params.zero_point);
  if (q >= static_cast<float>(range.max)) return range.max;
  if (q >= static_cast<float>(range.min)) return static_cast<int32_t>(q);
  return q != q ? params.zero_point : range.min;
}
[[gnu::always_inline]] inline float dequantize_value(int32_t code, ScaleAndZero params) {
  return params.scale * static_cast<float>(code - params.zero_point);
}

// values[i] → codes[i], as int32 of the type's range.
void quantize_values(std::span<const float> values, ScaleAndZero params, QuantRange range,
                     std::span<int32_t> codes);
void dequantize_values(std::span<const int32_t> codes, ScaleAndZero params,
                       std::span<float> values);

} // namespace octet
