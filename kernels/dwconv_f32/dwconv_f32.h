// Float depthwise convolution (groups = in_channels = out_channels), channels last:
//   Y[b, oy, ox, c] = clamp(Σ X[b, iy(oy, ky), ix(ox, kx), c] · W[c, 0, ky, kx] + bias[c], lo, hi)
// with the geometry of kernels/conv_f32/conv_f32.h. Channel multipliers above 1 are grouped
// convolutions.
#pragma once

#include "kernels/conv_f32/conv_f32.h"

namespace octet::kernels {

/// Packs ONNX weights [channels, 1, kernel_h, kernel_w]. Sizes in floats.
size_t packed_f32_dwconv_elements(const ConvShape& shape) noexcept;
void pack_f32_dwconv_weights(const ConvShape& shape, const float* weights, float* packed) noexcept;

/// FConv as for conv_f32, but args.w comes from pack_f32_dwconv_weights. Computes the output pixels
/// [pixel_begin, pixel_end); ranges that do not overlap may run on different threads.
void dwconv_f32(const FConv& args, size_t pixel_begin, size_t pixel_end) noexcept;

} // namespace octet::kernels
