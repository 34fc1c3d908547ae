#include "ops/window_geometry.h"

#include <algorithm>

#include "ops/registry.h"

namespace octet {
namespace {
constexpr int64_t kMaxWindowNumber = int64_t{1} << 30;

std::vector<int64_t> numbers(const NodeContext& ctx, const char* name, size_t count,
                             int64_t fallback, int64_t lowest) {
  auto values = ctx.attributes().get_ints(name, std::vector<int64_t>(count, fallback));
  if (values.size() != count) ctx.fail(name, " has ", values.size(), " numbers, not ", count);
  for (const int64_t v : values)
    if (v < lowest || v > kMaxWindowNumber) ctx.fail(name, ": ", v, " is out of range");
  return values;
}

int64_t ceil_div(int64_t a, int64_t b) {
  return (a + b - 1) / b;
}

void pad_to_same(WindowGeometry& g, size_t i, bool upper) {
  const int64_t reach = (g.kernel[i] - 1) * g.dilation[i] + 1;
  const int64_t output = ceil_div(g.input[i], g.stride[i]);
  const int64_t total = std::max<int64_t>(0, (output - 1) * g.stride[i] + reach - g.input[i]);
  g.pad_begin[i] = upper ? total / 2 : total - total / 2;
  g.pad_end[i] = total - g.pad_begin[i];
}

int64_t output_size(const NodeContext& ctx, const WindowGeometry& g, size_t i, bool ceil_mode) {
  const int64_t reach = (g.kernel[i] - 1) * g.dilation[i] + 1;
  const int64_t room = g.input[i] + g.pad_begin[i] + g.pad_end[i] - reach;
  if (g.input[i] == 0) return 0;
  if (room < 0)
    ctx.fail("a window of ", reach, " does not fit the padded input of ", room + reach,
             " along spatial axis ", i);
  if (!ceil_mode) return room / g.stride[i] + 1;
  const int64_t output = ceil_div(room, g.stride[i]) + 1;
  return (output - 1) * g.stride[i] >= g.input[i] + g.pad_begin[i] ? output - 1 : output;
}
} // namespace

WindowGeometry window_geometry(const NodeContext& ctx, std::vector<int64_t> input,
                               std::vector<int64_t> kernel) {
  const size_t rank = input.size();
  if (kernel.empty())
    kernel = numbers(ctx, "kernel_shape", rank, 1, 1);
  else if (numbers(ctx, "kernel_shape", rank, 1, 1) != kernel &&
           ctx.attributes().has("kernel_shape"))
    ctx.fail("kernel_shape contradicts the weights");
  WindowGeometry g{.input = std::move(input),
                   .kernel = std::move(kernel),
                   .stride = numbers(ctx, "strides", rank, 1, 1),
                   .dilation = numbers(ctx, "dilations", rank, 1, 1),
                   .pad_begin = std::vector<int64_t>(rank),
                   .pad_end = std::vector<int64_t>(rank),
                   .output = std::vector<int64_t>(rank)};
  const std::string auto_pad = ctx.attributes().get_string("auto_pad", "NOTSET");
  const bool same = auto_pad == "SAME_UPPER" || auto_pad == "SAME_LOWER";
  if (!same && auto_pad != "NOTSET" && auto_pad != "VALID" && !auto_pad.empty())
    ctx.fail("auto_pad '", auto_pad, "' is not known");
  const bool explicit_pads = !same && auto_pad != "VALID";
  const auto pads =
      explicit_pads ? numbers(ctx, "pads", 2 * rank, 0, 0) : std::vector<int64_t>(2 * rank);
  for (size_t i = 0; i < rank; ++i) {
    g.pad_begin[i] = pads[i];
    g.pad_end[i] = pads[rank + i];
    if (same) pad_to_same(g, i, auto_pad == "SAME_UPPER");
    g.output[i] = output_size(ctx, g, i, ctx.attributes().get_int("ceil_mode", 0) != 0);
  }
  return g;
}

TensorLayout layout_of(const Node& node) {
  return node.domain == kLoweredDomain ? TensorLayout::ChannelsLast : TensorLayout::ChannelsFirst;
}

std::vector<int64_t> spatial_dims(const Shape& shape, TensorLayout layout) {
  const auto begin = shape.begin() + (layout == TensorLayout::ChannelsFirst ? 2 : 1);
  return {begin, begin + static_cast<ptrdiff_t>(shape.rank() - 2)};
}

int64_t channel_dim(const Shape& shape, TensorLayout layout) {
  return layout == TensorLayout::ChannelsFirst ? shape[1] : shape.back();
}

Shape shape_with(int64_t batch, int64_t channels, const std::vector<int64_t>& spatial,
                 TensorLayout layout) {
  Shape shape{batch};
  if (layout == TensorLayout::ChannelsFirst) shape.push_back(channels);
  for (const int64_t d : spatial) shape.push_back(d);
  if (layout == TensorLayout::ChannelsLast) shape.push_back(channels);
  return shape;
}

ConvGeometry conv_geometry(const NodeContext& ctx, size_t weight_input) {
  const Shape &x = ctx.shape(0), &w = ctx.shape(weight_input);
  if (x.rank() < 3 || w.rank() != x.rank())
    ctx.fail("data of shape ", to_string(x), " and weights of shape ", to_string(w), " do not fit");
  const TensorLayout layout = layout_of(ctx.node());
  ConvGeometry g{.window = window_geometry(ctx, spatial_dims(x, layout), {w.begin() + 2, w.end()}),
                 .batch = x[0],
                 .in_channels = channel_dim(x, layout),
                 .out_channels = w[0],
                 .groups = ctx.attributes().get_int("group", 1)};
  if (g.groups < 1 || g.in_channels != w[1] * g.groups || g.out_channels % g.groups != 0)
    ctx.fail(g.in_channels, " channels in ", g.groups, " groups do not fit weights of shape ",
             to_string(w));
  g.output = shape_with(g.batch, g.out_channels, g.window.output, layout);
  return g;
}

kernels::ConvShape ConvGeometry::kernel_shape(const NodeContext& ctx) const {
  const size_t rank = window.kernel.size();
  if (rank > 2) ctx.unsupported("convolution with ", rank, " spatial axes");
  const bool two = rank == 2;
  const auto height = [&](const std::vector<int64_t>& v, size_t fallback) {
    return two ? static_cast<size_t>(v[0]) : fallback;
  };
  const auto width = [&](const std::vector<int64_t>& v) {
    return static_cast<size_t>(v[two ? 1 : 0]);
  };
  return {.batch = static_cast<size_t>(batch),
          .in_h = height(window.input, 1),
          .in_w = width(window.input),
          .in_channels = static_cast<size_t>(in_channels),
          .out_h = height(window.output, 1),
          .out_w = width(window.output),
          .out_channels = static_cast<size_t>(out_channels),
          .groups = static_cast<size_t>(groups),
          .kernel_h = height(window.kernel, 1),
          .kernel_w = width(window.kernel),
          .stride_h = height(window.stride, 1),
          .stride_w = width(window.stride),
          .dilation_h = height(window.dilation, 1),
          .dilation_w = width(window.dilation),
          .pad_top = height(window.pad_begin, 0),
          .pad_left = width(window.pad_begin)};
}

} // namespace octet
