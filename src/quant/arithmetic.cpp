#include "quant/arithmetic.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace octet {
namespace {
QuantRange full_range(DType type) {
  switch (type) {
  case DType::UInt8:
    return {0, 255};
  case DType::Int8:
    return {-128, 127};
  case DType::UInt16:
    return {0, 65535};
  case DType::Int16:
    return {-32768, 32767};
  case DType::UInt4:
    return {0, 15};
  case DType::Int4:
    return {-8, 7};
  default:
    fail(ErrorCode::InvalidOption, "cannot quantize to ", dtype_name(type));
  }
}

QuantRange reduced_range(DType type) {
  if (type == DType::UInt8) return {0, 127};
  if (type == DType::Int8) return {-64, 64};
  fail(ErrorCode::InvalidOption, "no reduced range of ", dtype_name(type));
}
} // namespace

QuantRange quant_range(DType type, bool symmetric, bool reduced) {
  const QuantRange range = reduced ? reduced_range(type) : full_range(type);
  const bool has_middle = (range.max - range.min) % 2 == 0;
  return symmetric && !has_middle ? QuantRange{range.min + 1, range.max} : range;
}

ScaleAndZero choose_quant_params(float min, float max, DType type, bool symmetric, bool reduced) {
  if (!std::isfinite(min) || !std::isfinite(max) || min > max)
    fail(ErrorCode::InvalidInput, "cannot quantize the range ", min, " to ", max);
  min = std::min(min, 0.0f);
  max = std::max(max, 0.0f);
  const QuantRange range = quant_range(type, symmetric, reduced);
  if (symmetric) {
    const int32_t middle = range.min + (range.max - range.min) / 2;
    const float limit = std::max(-min, max);
    return {.scale = limit > 0 ? limit / static_cast<float>(range.max - middle) : 1.0f,
            .zero_point = middle};
  }
  // In double so that a range near the largest float does not overflow.
  const double scale = (static_cast<double>(max) - min) / (range.max - range.min);
  if (static_cast<float>(scale) <= 0)
    return {.scale = 1.0f, .zero_point = std::clamp(0, range.min, range.max)};
  const double zero = std::nearbyint(range.min - min / scale);
  return {.scale = static_cast<float>(scale),
          .zero_point = static_cast<int32_t>(std::clamp<double>(zero, range.min, range.max))};
}

void quantize_values(std::span<const float> values, ScaleAndZero params, QuantRange range,
                     std::span<int32_t> codes) {
  for (size_t i = 0; i < values.size(); ++i) codes[i] = quantize_value(values[i], params, range);
}

void dequantize_values(std::span<const int32_t> codes, ScaleAndZero params,
                       std::span<float> values) {
  for (size_t i = 0; i < codes.size(); ++i) values[i] = dequantize_value(codes[i], params);
}

} // namespace octet
