// Where the windows of convolutions and pools lie: ONNX's spatial attributes resolved against
// sizes.
//
// Along each spatial axis, with d = (kernel − 1) · dilation + 1:
//   output = floor((input + pad_begin + pad_end − d) / stride) + 1
// (ceil with ceil_mode, where a last window that would start in the end padding is dropped).
// auto_pad SAME_*: output = ceil(input / stride), padding = (output − 1) · stride + d − input, the
// odd one at the end (UPPER) or at the beginning (LOWER); VALID: no padding.
// Transposed convolutions have output = (input − 1) · stride + d + output_padding − padding.
#pragma once

#include <vector>

#include "kernels/conv_shape.h"
#include "ops/op_def.h"

namespace octet {

// Attributes of a node with `kernel.size()` spatial axes.
struct WindowGeometry {
  std::vector<int64_t> input, kernel, stride, dilation, pad_begin, pad_end, output;
};

// `kernel` comes from the weights, or is empty for pools, which carry it as `kernel_shape`. Throws
// InvalidModel on attributes that contradict each other or a kernel larger than the padded input.
WindowGeometry window_geometry(const NodeContext& ctx, std::vector<int64_t> input,
                               std::vector<int64_t> kernel);

// A channels-last tensor [N, spatial…, C] or, in the canonical stage, a channels-first one [N, C,
// spatial…].
enum class TensorLayout : uint8_t { ChannelsFirst, ChannelsLast };

// Channels-last for nodes of the lowered domain.
TensorLayout layout_of(const Node& node);
std::vector<int64_t> spatial_dims(const Shape& shape, TensorLayout layout);
int64_t channel_dim(const Shape& shape, TensorLayout layout);
Shape shape_with(int64_t batch, int64_t channels, const std::vector<int64_t>& spatial,
                 TensorLayout layout);

// Convolution of x with weights [O, I / group, kernel…] of input `weight_input`, checked. `output`
// is in the node's layout.
struct ConvGeometry {
  WindowGeometry window;
  int64_t batch = 0, in_channels = 0, out_channels = 0, groups = 1;
  Shape output;

  // For the kernels; spatial rank 1 or 2. Throws UnsupportedOperator for others.
  kernels::ConvShape kernel_shape(const NodeContext& ctx) const;
  bool is_depthwise() const {
    return groups > 1 && groups == in_channels && groups == out_channels;
  }
};
ConvGeometry conv_geometry(const NodeContext& ctx, size_t weight_input);
// The same of a node that sees its operands in a layout of its own.
ConvGeometry conv_geometry(const NodeContext& ctx, size_t weight_input, TensorLayout layout);
// How threads share the output pixels and channels.
MatrixSplit pixel_split(const kernels::ConvShape& shape);
// The same of ConvTranspose, whose weights (input 1) are [I, O / group, kernel…].
ConvGeometry conv_transpose_geometry(const NodeContext& ctx);

} // namespace octet
