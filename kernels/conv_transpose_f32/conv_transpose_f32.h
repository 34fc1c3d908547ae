// Float transposed 2-D convolution, channels last, any kernel, stride, dilation, padding, output
// padding and grouping:
//   Y[b, iy·stride_h + ky·dilation_h − pad_top, ix·stride_w + kx·dilation_w − pad_left, o] +=
//     X[b, iy, ix, i] · W[i, o, ky, kx],      then clamp(Y + bias[o], lo, hi)
//
// Output pixels whose positions agree modulo the strides see the same taps, so each such class is a
// convolution of its own with a part of the kernel, run by the matrix tile through row pointers:
// nothing is scattered or added twice. disjoint.h has the form for few output channels.
#pragma once

#include "kernels/conv_shape.h"
#include "kernels/gemm_f32/gemm_f32.h"

namespace octet::kernels {

struct FConvTranspose {
  ConvShape shape = {};      // output padding is part of out_h, out_w
  const float* x = nullptr;  // [batch, in_h, in_w] pixels
  size_t x_stride = 0;       // elements between pixels, ≥ in_channels
  const float* w = nullptr;  // packed by pack_f32_conv_transpose_weights
  float* y = nullptr;        // [batch, out_h, out_w] pixels
  size_t y_stride = 0;       // elements between pixels, ≥ out_channels
  FOutputParams params = {}; // indexed by output channel, over all groups
};

/// Packs ONNX weights [in_channels, out_channels / groups, kernel_h, kernel_w]. The layout depends
/// on the shape's kernel, strides, dilations, padding and channels, and on is_disjoint
/// (disjoint.h). Sizes in floats.
size_t packed_f32_conv_transpose_elements(const ConvShape& shape) noexcept;
void pack_f32_conv_transpose_weights(const ConvShape& shape, const float* weights,
                                     float* packed) noexcept;

/// Scratch memory of one running call, 16-byte aligned.
size_t conv_transpose_f32_scratch_bytes(const ConvShape& shape) noexcept;

/// Computes the output rows [row_begin, row_end) of batch · out_h. Ranges that do not overlap may
/// run on different threads, each with its own scratch.
void conv_transpose_f32(const FConvTranspose& args, size_t row_begin, size_t row_end,
                        void* scratch) noexcept;

} // namespace octet::kernels
