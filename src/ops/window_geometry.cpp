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

namespace {
enum class AutoPad : uint8_t { Explicit, Valid, SameUpper, SameLower };

AutoPad auto_pad_of(const NodeContext& ctx) {
  const std::string name = ctx.attributes().get_string("auto_pad", "NOTSET");
  if (name == "NOTSET" || name.empty()) return AutoPad::Explicit;
  if (name == "VALID") return AutoPad::Valid;
  if (name == "SAME_UPPER") return AutoPad::SameUpper;
  if (name == "SAME_LOWER") return AutoPad::SameLower;
  ctx.fail("auto_pad '", name, "' is not known");
}

// The attributes; pads are 0 unless they are given, sizes of the output are open.
WindowGeometry window_attributes(const NodeContext& ctx, std::vector<int64_t> input,
                                 std::vector<int64_t> kernel) {
  const size_t rank = input.size();
  if (kernel.empty())
    kernel = numbers(ctx, "kernel_shape", rank, 1, 1);
  else if (numbers(ctx, "kernel_shape", rank, 1, 1) != kernel &&
           ctx.attributes().has("kernel_shape"))
    ctx.fail("kernel_shape contradicts the weights");
  for (int64_t size : kernel)
    if (size < 1 || size > kMaxWindowNumber) ctx.fail("a kernel of size ", size);
  for (int64_t size : input)
    if (size > kMaxWindowNumber) ctx.fail("a spatial axis of size ", size);
  WindowGeometry g{.input = std::move(input),
                   .kernel = std::move(kernel),
                   .stride = numbers(ctx, "strides", rank, 1, 1),
                   .dilation = numbers(ctx, "dilations", rank, 1, 1),
                   .pad_begin = std::vector<int64_t>(rank),
                   .pad_end = std::vector<int64_t>(rank),
                   .output = std::vector<int64_t>(rank)};
  if (auto_pad_of(ctx) != AutoPad::Explicit) return g;
  const auto pads = numbers(ctx, "pads", 2 * rank, 0, 0);
  const auto middle = pads.begin() + static_cast<ptrdiff_t>(rank);
  g.pad_begin.assign(pads.begin(), middle);
  g.pad_end.assign(middle, pads.end());
  return g;
}
} // namespace

WindowGeometry window_geometry(const NodeContext& ctx, std::vector<int64_t> input,
                               std::vector<int64_t> kernel) {
  WindowGeometry g = window_attributes(ctx, std::move(input), std::move(kernel));
  const AutoPad auto_pad = auto_pad_of(ctx);
  const bool ceil_mode = ctx.attributes().get_int("ceil_mode", 0) != 0;
  for (size_t i = 0; i < g.input.size(); ++i) {
    if (auto_pad == AutoPad::SameUpper || auto_pad == AutoPad::SameLower)
      pad_to_same(g, i, auto_pad == AutoPad::SameUpper);
    g.output[i] = output_size(ctx, g, i, ceil_mode);
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

namespace {
void check_operands(const NodeContext& ctx, size_t weight_input) {
  const Shape &x = ctx.shape(0), &w = ctx.shape(weight_input);
  if (x.rank() < 3 || w.rank() != x.rank())
    ctx.fail("data of shape ", to_string(x), " and weights of shape ", to_string(w), " do not fit");
}

int64_t checked_groups(const NodeContext& ctx, int64_t in_channels) {
  const int64_t groups = ctx.attributes().get_int("group", 1);
  if (groups < 1 || groups > in_channels || in_channels % groups != 0)
    ctx.fail(in_channels, " channels do not split into ", groups, " groups");
  return groups;
}
} // namespace

ConvGeometry conv_geometry(const NodeContext& ctx, size_t weight_input) {
  return conv_geometry(ctx, weight_input, layout_of(ctx.node()));
}

ConvGeometry conv_geometry(const NodeContext& ctx, size_t weight_input, TensorLayout layout) {
  check_operands(ctx, weight_input);
  const Shape &x = ctx.shape(0), &w = ctx.shape(weight_input);
  ConvGeometry g{.window = window_geometry(ctx, spatial_dims(x, layout), {w.begin() + 2, w.end()}),
                 .batch = x[0],
                 .in_channels = channel_dim(x, layout),
                 .out_channels = w[0],
                 .groups = checked_groups(ctx, channel_dim(x, layout)),
                 .output = {}};
  if (g.in_channels / g.groups != w[1] || g.out_channels % g.groups != 0)
    ctx.fail(g.in_channels, " channels in ", g.groups, " groups do not fit weights of shape ",
             to_string(w));
  g.output = shape_with(g.batch, g.out_channels, g.window.output, layout);
  return g;
}

namespace {
// `output` is what was asked for, or 0. Padding that is not given is what makes the output so
// large.
void resolve_transposed(const NodeContext& ctx, WindowGeometry& g, size_t i, int64_t extra,
                        int64_t output) {
  const AutoPad auto_pad = auto_pad_of(ctx);
  const bool same = auto_pad == AutoPad::SameUpper || auto_pad == AutoPad::SameLower;
  const int64_t reach = (g.kernel[i] - 1) * g.dilation[i] + 1;
  const int64_t full = (g.input[i] - 1) * g.stride[i] + reach + extra;
  if (output == 0 && same) output = g.input[i] * g.stride[i];
  if (output != 0) {
    const int64_t total = std::max<int64_t>(0, full - output);
    g.pad_begin[i] = auto_pad == AutoPad::SameUpper ? total / 2 : total - total / 2;
    g.pad_end[i] = total - g.pad_begin[i];
    g.output[i] = output;
  } else {
    g.output[i] = full - g.pad_begin[i] - g.pad_end[i];
  }
  if (g.input[i] == 0) g.output[i] = 0;
  if (g.output[i] < 0) ctx.fail("padding leaves nothing of spatial axis ", i);
}
} // namespace

ConvGeometry conv_transpose_geometry(const NodeContext& ctx) {
  check_operands(ctx, 1);
  const Shape &x = ctx.shape(0), &w = ctx.shape(1);
  const TensorLayout layout = layout_of(ctx.node());
  ConvGeometry g{.window =
                     window_attributes(ctx, spatial_dims(x, layout), {w.begin() + 2, w.end()}),
                 .batch = x[0],
                 .in_channels = channel_dim(x, layout),
                 .groups = checked_groups(ctx, channel_dim(x, layout)),
                 .output = {}};
  if (w[0] != g.in_channels || w[1] > kMaxWindowNumber)
    ctx.fail(g.in_channels, " channels do not fit weights of shape ", to_string(w));
  g.out_channels = w[1] * g.groups;
  const size_t rank = g.window.input.size();
  const auto extra = numbers(ctx, "output_padding", rank, 0, 0);
  const auto output = numbers(ctx, "output_shape", rank, 0, 0);
  for (size_t i = 0; i < rank; ++i) resolve_transposed(ctx, g.window, i, extra[i], output[i]);
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

MatrixSplit pixel_split(const kernels::ConvShape& shape) {
  MatrixSplit split{.rows = shape.batch * shape.out_h * shape.out_w,
                    .columns = shape.out_channels,
                    .cost = kernels::group_inputs(shape) * kernels::tap_count(shape)};
  constexpr size_t kChannelGrain = 16;
  if (shape.groups == 1) {
    split.column_grain = kChannelGrain;
  } else if (kernels::group_inputs(shape) == 1) {
    // Depthwise kernels go along rows, and are bound by loads.
    split.row_grain = shape.out_w;
    split.cost *= 4;
  }
  return split;
}

} // namespace octet
