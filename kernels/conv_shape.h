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

inline size_t tap_count(const ConvShape& shape) noexcept {
  return shape.kernel_h * shape.kernel_w;
}
inline size_t group_inputs(const ConvShape& shape) noexcept {
  return shape.in_channels / shape.groups;
}
inline size_t group_outputs(const ConvShape& shape) noexcept {
  return shape.out_channels / shape.groups;
}

/// Whether the convolution is a product of its pixels with a matrix.
inline bool is_matrix_product(const ConvShape& shape) noexcept {
  return tap_count(shape) == 1 && shape.stride_h == 1 && shape.stride_w == 1 &&
         shape.in_h == shape.out_h && shape.in_w == shape.out_w && shape.groups == 1;
}

} // namespace octet::kernels
