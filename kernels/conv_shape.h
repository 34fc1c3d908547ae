// The geometry of a 2-D convolution, channels last; shared by every convolution kernel. A 1-D
// convolution has height 1.
#pragma once

#include <cstddef>

namespace octet::kernels {

/// Sizes are checked by the caller: nothing zero, groups divides both channel counts, every output
/// position is one the padded input can serve.
struct ConvShape {
  size_t batch = 1;
  size_t in_h = 1, in_w = 1;
  size_t in_channels = 1; // of all groups
  size_t out_h = 1, out_w = 1;
  size_t out_channels = 1; // of all groups
  size_t groups = 1;
  size_t kernel_h = 1, kernel_w = 1;
  size_t stride_h = 1, stride_w = 1;
  size_t dilation_h = 1, dilation_w = 1;
  size_t pad_top = 0, pad_left = 0;
};

} // namespace octet::kernels
