// Integer 2-D convolution, channels last, any kernel, stride, dilation, padding and grouping:
//   Y[b, oy, ox, o] = finish(Σ X[b, oy·stride_h + ky·dilation_h − pad_top,
//                                  ox·stride_w + kx·dilation_w − pad_left, i] · W[o, i, ky, kx])
// with the finishing steps of output.h. X is int16 with the zero point subtracted, so padding is
// zeros. Nothing like im2col is built: the matrix tile reads X through pointers. A 1-D convolution
// has height 1. Depthwise convolutions belong to kernels/qdwconv/, matrices to kernels/qgemm/.
#pragma once

#include "kernels/conv_window.h"
#include "kernels/qgemm/output.h"
#include "kernels/qgemm/pack.h"

namespace octet::kernels {

struct QConv {
  ConvShape shape = {};
  const int16_t* x = nullptr; // [batch, in_h, in_w] pixels
  size_t x_stride = 0;        // elements between pixels, ≥ in_channels
  const void* w = nullptr;    // packed by pack_conv_weights
  void* y = nullptr;          // [batch, out_h, out_w] pixels, element type as `output` says
  size_t y_stride = 0;        // elements between pixels, ≥ out_channels
  bool pools = false;         // see qconv_pools
  bool wide = false;          // elements of x may lie outside of ±255
  bool byte_dot = false;      // x and w as kernels/qdot/pack.h has them
  int16_t padding = 0;        // what the padding holds: for byte dots the pair of zero points
  QOutput output = QOutput::f32;
  QOutputParams params = {}; // arrays indexed by output channel, over all groups
};

inline ConvInput<int16_t> input_of(const QConv& conv) noexcept {
  return {conv.shape, conv.x, conv.x_stride};
}

/// Packs ONNX weights [out_channels, in_channels / groups, kernel_h, kernel_w], group by group.
size_t packed_conv_weight_bytes(const ConvShape& shape) noexcept;
void pack_conv_weights(const ConvShape& shape, const void* weights, bool is_unsigned,
                       void* packed) noexcept;

/// The same for byte dot products; the shape counts pairs of input channels, in one group.
size_t packed_dot_conv_weight_bytes(const ConvShape& shape) noexcept;
void pack_dot_conv_weights(const ConvShape& shape, const void* weights, bool is_unsigned,
                           void* packed, int32_t* sums) noexcept;

/// Whether `pools` may be set for a convolution without zero points of weights: then each output
/// pixel is the largest of two by two, a column or row without a neighbour left out. The output
/// step must rise with its sums.
bool qconv_pools(const ConvShape& shape) noexcept;

/// Scratch memory of one running call, 16-byte aligned.
size_t qconv_scratch_bytes(const ConvShape& shape) noexcept;

/// Computes the output pixels [pixel_begin, pixel_end) of batch · out_h · out_w (halves of both
/// when it pools), all channels.
/// Ranges that do not overlap may run on different threads, each with its own scratch.
void qconv(const QConv& args, size_t pixel_begin, size_t pixel_end, void* scratch) noexcept;

/// The convolution with output channels [begin, end) alone, begin a multiple of kPanelWidth: the
/// other way to split one of a single group.
QConv channels_of(const QConv& args, size_t begin, size_t end) noexcept;

} // namespace octet::kernels
