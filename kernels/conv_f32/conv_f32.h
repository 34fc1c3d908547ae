// Float 2-D convolution, channels last, any kernel, stride, dilation, padding and grouping:
//   Y[b, oy, ox, o] = clamp(Σ X[b, oy·stride_h + ky·dilation_h − pad_top,
//                                 ox·stride_w + kx·dilation_w − pad_left, i] · W[o, i, ky, kx] +
//                                 bias[o], lo, hi)
// Nothing like im2col is built: the matrix tile reads X through pointers. Depthwise convolutions
// belong to kernels/dwconv_f32/.
#pragma once

#include "kernels/conv_window.h"
#include "kernels/gemm_f32/gemm_f32.h"

namespace octet::kernels {

struct FConv {
  ConvShape shape = {};
  const float* x = nullptr;  // [batch, in_h, in_w] pixels
  size_t x_stride = 0;       // elements between pixels, ≥ in_channels
  const float* w = nullptr;  // packed by pack_f32_conv_weights
  float* y = nullptr;        // [batch, out_h, out_w] pixels
  size_t y_stride = 0;       // elements between pixels, ≥ out_channels
  FOutputParams params = {}; // indexed by output channel, over all groups
};

inline ConvInput<float> input_of(const FConv& conv) noexcept {
  return {conv.shape, conv.x, conv.x_stride};
}

/// Packs ONNX weights [out_channels, in_channels / groups, kernel_h, kernel_w], group by group.
/// Sizes in floats.
size_t packed_f32_conv_elements(const ConvShape& shape) noexcept;
void pack_f32_conv_weights(const ConvShape& shape, const float* weights, float* packed) noexcept;

/// Scratch memory of one running call, 16-byte aligned.
size_t conv_f32_scratch_bytes(const ConvShape& shape) noexcept;

/// Computes the output pixels [pixel_begin, pixel_end) of batch · out_h · out_w, all channels.
/// Ranges that do not overlap may run on different threads, each with its own scratch.
void conv_f32(const FConv& args, size_t pixel_begin, size_t pixel_end, void* scratch) noexcept;

/// The convolution with output channels [begin, end) alone, begin a multiple of kFPanelWidth: the
/// other way to split one of a single group.
FConv channels_of(const FConv& args, size_t begin, size_t end) noexcept;

} // namespace octet::kernels
