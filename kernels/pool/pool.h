// Pooling, channels last. Windows are those of a convolution (kernels/conv_shape.h), with as many
// output as input channels; positions in the padding take no part. Global pooling is a reduction
// over [batch, pixels, channels].
#pragma once

#include <cstdint>

#include "kernels/conv_shape.h"

namespace octet::kernels {

template <class T>
struct Pool {
  ConvShape shape = {}; // out_channels and groups are not looked at
  const T* x = nullptr;
  size_t x_stride = 0; // elements between pixels, ≥ in_channels
  T* y = nullptr;
  size_t y_stride = 0;
};

/// Scratch memory of one running call, 16-byte aligned; for every pooling function.
size_t pool_scratch_bytes(const ConvShape& shape) noexcept;

/// Each computes the output pixels [pixel_begin, pixel_end) of batch · out_h · out_w, all channels.
/// Ranges that do not overlap may run on different threads, each with its own scratch.

/// The largest value under each window. A window that lies in the padding alone gives the lowest
/// value of the type.
void max_pool_f32(const Pool<float>& args, size_t pixel_begin, size_t pixel_end,
                  void* scratch) noexcept;
void max_pool_u8(const Pool<uint8_t>& args, size_t pixel_begin, size_t pixel_end,
                 void* scratch) noexcept;
void max_pool_s8(const Pool<int8_t>& args, size_t pixel_begin, size_t pixel_end,
                 void* scratch) noexcept;
void max_pool_s16(const Pool<int16_t>& args, size_t pixel_begin, size_t pixel_end,
                  void* scratch) noexcept;

/// The divisor of an average: the taps inside the image, or with `count_padding` those inside the
/// image with its padding (a window may reach beyond that in ceil mode).
struct AverageDivisor {
  bool count_padding = false;
  size_t pad_bottom = 0;
  size_t pad_right = 0;
};

void average_pool_f32(const Pool<float>& args, const AverageDivisor& divisor, size_t pixel_begin,
                      size_t pixel_end, void* scratch) noexcept;

} // namespace octet::kernels
