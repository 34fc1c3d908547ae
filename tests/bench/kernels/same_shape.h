// The convolutions of benchmarks.
#pragma once

#include "kernels/conv_shape.h"

namespace octet::bench {

/// A square "same" convolution; depthwise when `outputs` is 0.
inline kernels::ConvShape same_shape(size_t size, size_t inputs, size_t outputs, size_t kernel,
                                     size_t stride) {
  return {.in_h = size,
          .in_w = size,
          .in_channels = inputs,
          .out_h = (size - 1) / stride + 1,
          .out_w = (size - 1) / stride + 1,
          .out_channels = outputs == 0 ? inputs : outputs,
          .groups = outputs == 0 ? inputs : 1,
          .kernel_h = kernel,
          .kernel_w = kernel,
          .stride_h = stride,
          .stride_w = stride,
          .pad_top = kernel / 2,
          .pad_left = kernel / 2};
}

/// A "same" convolution with three taps, one above the other.
inline kernels::ConvShape column_shape(size_t height, size_t width, size_t inputs, size_t outputs) {
  return {.in_h = height,
          .in_w = width,
          .in_channels = inputs,
          .out_h = height,
          .out_w = width,
          .out_channels = outputs,
          .kernel_h = 3,
          .pad_top = 1};
}

} // namespace octet::bench
