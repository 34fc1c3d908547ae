#include "kernels/convert/convert.h"

#include <algorithm>
#include <cmath>

#include "kernels/dispatch.h"

namespace octet::kernels {
namespace {

struct Limits {
  int32_t min, max;
};

Limits limits(QType type) noexcept {
  switch (type) {
  case QType::u8:
    return {0, 255};
  case QType::s8:
    return {-128, 127};
  case QType::u16:
    return {0, 65535};
  case QType::s16:
    return {-32768, 32767};
  case QType::s32:
    break;
  }
  return {INT32_MIN, INT32_MAX};
}

int32_t read_zero_point(const void* zero_point, QType type, size_t index) noexcept {
  if (!zero_point) return 0;
  switch (type) {
  case QType::u8:
    return static_cast<const uint8_t*>(zero_point)[index];
  case QType::s8:
    return static_cast<const int8_t*>(zero_point)[index];
  case QType::u16:
    return static_cast<const uint16_t*>(zero_point)[index];
  case QType::s16:
    return static_cast<const int16_t*>(zero_point)[index];
  case QType::s32:
    return static_cast<const int32_t*>(zero_point)[index];
  }
  return 0;
}

/// `offset` is added to the rounded value: the zero point, or 0 for the zero-subtracted form.
QuantizeParams quantize_params(float scale, int32_t zero_point, Limits q, int32_t offset) noexcept {
  return {scale, static_cast<float>(q.min - zero_point), static_cast<float>(q.max - zero_point),
          offset};
}

QuantizeFn* quantize_kernel(QType type) noexcept {
  const KernelTable& table = kernel_table();
  switch (type) {
  case QType::u8:
    return table.quantize_u8;
  case QType::s8:
    return table.quantize_s8;
  case QType::u16:
    return table.quantize_u16;
  case QType::s16:
    return table.quantize_s16;
  case QType::s32:
    break;
  }
  return nullptr;
}

DequantizeFn* dequantize_kernel(QType type) noexcept {
  const KernelTable& table = kernel_table();
  switch (type) {
  case QType::u8:
    return table.dequantize_u8;
  case QType::s8:
    return table.dequantize_s8;
  case QType::u16:
    return table.dequantize_u16;
  case QType::s16:
    return table.dequantize_s16;
  case QType::s32:
    return table.dequantize_s32;
  }
  return nullptr;
}

/// Calls run(first element, count, index of axis) for each stretch of [begin, end) that shares a
/// scale.
template <class Run>
void for_each_stretch(const QuantAxis& axes, size_t begin, size_t end, Run&& run) noexcept {
  while (begin < end) {
    const size_t stretch = begin / axes.inner;
    const size_t stop = std::min(end, (stretch + 1) * axes.inner);
    run(begin, stop - begin, stretch % axes.axis);
    begin = stop;
  }
}

} // namespace

void quantize_linear(const QuantAxis& axes, const float* x, QType type, void* y, size_t begin,
                     size_t end) noexcept {
  QuantizeFn* quantize = quantize_kernel(type);
  for_each_stretch(axes, begin, end, [&](size_t first, size_t n, size_t index) {
    const int32_t zero_point = read_zero_point(axes.zero_point, type, index);
    quantize(x + first, n, quantize_params(axes.scale[index], zero_point, limits(type), zero_point),
             static_cast<char*>(y) + first * element_bytes(type));
  });
}

void dequantize_linear(const QuantAxis& axes, const void* x, QType type, float* y, size_t begin,
                       size_t end) noexcept {
  DequantizeFn* dequantize = dequantize_kernel(type);
  for_each_stretch(axes, begin, end, [&](size_t first, size_t n, size_t index) {
    dequantize(static_cast<const char*>(x) + first * element_bytes(type), n,
               read_zero_point(axes.zero_point, type, index), axes.scale[index], y + first);
  });
}

ValueRange value_range(const float* x, size_t n) noexcept {
  return kernel_table().value_range_f32(x, n);
}

ValueRange merge(ValueRange a, ValueRange b) noexcept {
  return {std::min(a.min, b.min), std::max(a.max, b.max)};
}

DynamicQuantParams choose_dynamic_params(ValueRange range) noexcept {
  if (range.min == range.max) return {};
  const float scale = (range.max - range.min) / 255.0f;
  float zero_point = 0.0f - range.min / scale;
  zero_point = zero_point > 0.0f ? std::min(zero_point, 255.0f) : 0.0f;
  return {scale, static_cast<uint8_t>(std::nearbyint(zero_point))};
}

void quantize_u8(const float* x, size_t n, DynamicQuantParams params, uint8_t* y) noexcept {
  const int32_t zero_point = params.zero_point;
  kernel_table().quantize_u8(
      x, n, quantize_params(params.scale, zero_point, limits(QType::u8), zero_point), y);
}

void quantize_s16(const float* x, size_t n, DynamicQuantParams params, int16_t* y) noexcept {
  kernel_table().quantize_s16(
      x, n, quantize_params(params.scale, params.zero_point, limits(QType::u8), 0), y);
}

void quantize_codes(const float* x, size_t n, float scale, int32_t lo, int32_t hi,
                    int16_t* y) noexcept {
  kernel_table().quantize_s16(x, n, {scale, static_cast<float>(lo), static_cast<float>(hi), 0}, y);
}

void widen_u8(const uint8_t* x, size_t n, uint8_t zero_point, int16_t* y) noexcept {
  kernel_table().widen_u8(x, n, zero_point, y);
}

void widen_s8(const int8_t* x, size_t n, int8_t zero_point, int16_t* y) noexcept {
  kernel_table().widen_s8(x, n, zero_point, y);
}

void narrow_u8(const int16_t* x, size_t n, uint8_t zero_point, uint8_t* y) noexcept {
  kernel_table().narrow_u8(x, n, zero_point, y);
}

void narrow_s8(const int16_t* x, size_t n, int8_t zero_point, int8_t* y) noexcept {
  kernel_table().narrow_s8(x, n, zero_point, y);
}

} // namespace octet::kernels
