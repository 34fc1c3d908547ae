// Integer depthwise convolution (groups = in_channels = out_channels), channels last:
//   Y[b, oy, ox, c] = finish(Σ X[b, iy(oy, ky), ix(ox, kx), c] · W[c, 0, ky, kx])
// with the geometry of kernels/qconv/qconv.h and the finishing steps of kernels/qgemm/output.h.
// Channel multipliers above 1 are grouped convolutions: use qconv.
//
// Byte dot products are those of kernels/qdot/pack.h; x are single codes then, which x_stride
// counts. Weights have no zero point in either form.
#pragma once

#include "kernels/qconv/qconv.h"

namespace octet::kernels {

/// Packs ONNX weights [channels, 1, kernel_h, kernel_w] of int8 or uint8. Their zero point is
/// subtracted here (the packed form is int16), so QOutputParams::w_zero stays null. `zero_point`
/// has the weights' type and one entry (per_channel false) or one per channel; null means zeros.
/// `packed` is 2-byte aligned.
size_t packed_dwconv_weight_bytes(const ConvShape& shape) noexcept;
void pack_dwconv_weights(const ConvShape& shape, const void* weights, bool is_unsigned,
                         const void* zero_point, bool per_channel, void* packed) noexcept;

/// The same for byte dot products, of weights as stored; sums[c] = Σ of channel c's.
size_t packed_dot_dwconv_weight_bytes(const ConvShape& shape) noexcept;
void pack_dot_dwconv_weights(const ConvShape& shape, const void* weights, bool is_unsigned,
                             void* packed, int32_t* sums) noexcept;

/// Scratch memory of one running call, 16-byte aligned.
size_t qdwconv_scratch_bytes(const ConvShape& shape) noexcept;

/// QConv as for qconv, but args.w comes from the functions above and
/// args.params.w_zero is null. Computes the output pixels [pixel_begin, pixel_end) of
/// batch · out_h · out_w; ranges that do not overlap may run on different threads.
void qdwconv(const QConv& args, size_t pixel_begin, size_t pixel_end, void* scratch) noexcept;

} // namespace octet::kernels
