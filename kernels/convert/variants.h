// Function types of the conversions that have several variants (kernels/kernel_list.inc). The
// arithmetic is in convert.h.
#pragma once

#include "kernels/convert/convert.h"

namespace octet::kernels {

using ValueRangeFn = ValueRange(const float* x, size_t n) noexcept;

/// y = clamp(round_half_even(x / scale), lo, hi) + offset. Element type of y as the name says.
struct QuantizeParams {
  float scale;
  float lo;
  float hi;
  int32_t offset;
};
using QuantizeFn = void(const float* x, size_t n, const QuantizeParams& params, void* y) noexcept;

/// y = (x − zero_point) · scale. Element type of x as the name says.
using DequantizeFn = void(const void* x, size_t n, int32_t zero_point, float scale,
                          float* y) noexcept;

/// y = x − zero_point. Element type of x as the name says.
using WidenFn = void(const void* x, size_t n, int32_t zero_point, int16_t* y) noexcept;

/// y = x + zero_point, which fits the type of y as the name says.
using NarrowFn = void(const int16_t* x, size_t n, int32_t zero_point, void* y) noexcept;

} // namespace octet::kernels
