#include "ops/resize_axes.h"

#include <algorithm>
#include <cmath>

#include "ops/window_geometry.h"

namespace octet {
namespace {
// The operands of the forms that Resize has had: (x, scales) in opset 10 and in Upsample, (x, roi,
// scales, sizes) since. Upsample before opset 9 has an attribute.
struct ResizeForm {
  size_t scales = 2, sizes = 3; // input positions
  bool is_old = false;          // asymmetric coordinates, rounded down
};

ResizeForm form_of(const NodeContext& ctx) {
  if (ctx.node().op_type == "Upsample" || ctx.opset() < 11)
    return {.scales = 1, .sizes = SIZE_MAX, .is_old = true};
  return {};
}

int64_t scaled_size(const NodeContext& ctx, int64_t size, double scale) {
  const double scaled = std::floor(static_cast<double>(size) * scale);
  if (!(scale > 0 && scaled < 0x1p40)) ctx.fail("scale ", scale, " is out of range");
  return static_cast<int64_t>(scaled);
}

// One factor for all listed axes, as the policy says (opset 18).
void keep_aspect_ratio(const NodeContext& ctx, std::vector<ResizeAxis>& axes,
                       std::span<const size_t> listed) {
  const std::string policy = ctx.attributes().get_string("keep_aspect_ratio_policy", "stretch");
  if (policy == "stretch" || listed.empty()) return;
  if (policy != "not_larger" && policy != "not_smaller")
    ctx.fail("keep_aspect_ratio_policy '", policy, "' is not known");
  double scale = axes[listed[0]].scale;
  for (size_t axis : listed)
    scale = policy == "not_larger" ? std::min(scale, axes[axis].scale)
                                   : std::max(scale, axes[axis].scale);
  for (size_t axis : listed) {
    axes[axis].scale = scale;
    axes[axis].size = std::llround(scale * static_cast<double>(ctx.shape(0)[axis]));
  }
}

// Axis i of the model's layout as an axis of the node's.
size_t axis_in_node(const NodeContext& ctx, size_t axis) {
  const size_t rank = ctx.shape(0).rank();
  if (layout_of(ctx.node()) == TensorLayout::ChannelsFirst || axis == 0) return axis;
  return axis == 1 ? rank - 1 : axis - 1;
}

std::optional<std::vector<ResizeAxis>> axes_without_roi(const NodeContext& ctx,
                                                        std::span<const size_t> listed) {
  const Shape& x = ctx.shape(0);
  const ResizeForm form = form_of(ctx);
  std::vector<ResizeAxis> out(x.rank());
  for (size_t i = 0; i < out.size(); ++i) out[i].size = x[i];
  const auto is_given = [&](size_t input) {
    return ctx.has_input(input) && ctx.shape(input).elements() != 0;
  };
  if (is_given(form.sizes)) {
    const auto sizes = ctx.int_values(form.sizes);
    if (!sizes) return std::nullopt;
    if (sizes->size() != listed.size()) ctx.fail("sizes has ", sizes->size(), " entries");
    for (size_t i = 0; i < listed.size(); ++i) {
      const int64_t size = (*sizes)[i], from = x[listed[i]];
      if (size < 0) ctx.fail("a size is negative");
      out[listed[i]] = {from == 0 ? 1.0 : static_cast<double>(size) / static_cast<double>(from),
                        size};
    }
    keep_aspect_ratio(ctx, out, listed);
    return out;
  }
  const auto attribute = ctx.attributes().get_floats("scales");
  std::optional<std::vector<double>> scales(std::in_place, attribute.begin(), attribute.end());
  if (is_given(form.scales)) scales = ctx.float_values(form.scales);
  if (!scales) return std::nullopt;
  if (scales->size() != listed.size()) ctx.fail("scales has ", scales->size(), " entries");
  for (size_t i = 0; i < listed.size(); ++i)
    out[listed[i]] = {(*scales)[i], scaled_size(ctx, x[listed[i]], (*scales)[i])};
  return out;
}

// The axes of the node that sizes, scales and roi tell of, in their order.
std::vector<size_t> listed_axes(const NodeContext& ctx) {
  const size_t rank = ctx.shape(0).rank();
  std::vector<size_t> listed;
  for (int64_t axis : ctx.attributes().get_ints("axes"))
    listed.push_back(axis_in_node(ctx, ctx.normalize_axis(axis, rank)));
  if (listed.empty())
    for (size_t i = 0; i < rank; ++i) listed.push_back(axis_in_node(ctx, i));
  return listed;
}

// Where an output position lies in the input, by coordinate_transformation_mode. align_corners
// aligns those of the length that the scale gives, as ONNX's reference does, though a tensor holds
// the whole of it alone; onnxruntime aligns those of the tensor.
using Coordinate = double (*)(double at, double scale, double in, double out);

std::string coordinate_mode(const NodeContext& ctx) {
  if (form_of(ctx).is_old) return "asymmetric";
  return ctx.attributes().get_string("coordinate_transformation_mode", "half_pixel");
}

Coordinate coordinate_function(const NodeContext& ctx) {
  const std::string mode = coordinate_mode(ctx);
  if (mode == "half_pixel")
    return [](double at, double scale, double, double) { return (at + 0.5) / scale - 0.5; };
  if (mode == "half_pixel_symmetric")
    return [](double at, double scale, double in, double out) {
      return in / 2 * (1 - out / (scale * in)) + (at + 0.5) / scale - 0.5;
    };
  if (mode == "pytorch_half_pixel")
    return [](double at, double scale, double, double out) {
      return out > 1 ? (at + 0.5) / scale - 0.5 : 0.0;
    };
  if (mode == "align_corners")
    return [](double at, double scale, double in, double) {
      const double length = scale * in;
      return length > 1 ? at * (in - 1) / (length - 1) : 0.0;
    };
  if (mode == "asymmetric")
    return [](double at, double scale, double, double) { return at / scale; };
  if (mode == "tf_half_pixel_for_nn")
    return [](double at, double scale, double, double) { return (at + 0.5) / scale; };
  ctx.unsupported("coordinate_transformation_mode '", mode, "'");
}
} // namespace

std::optional<std::vector<ResizeAxis>> resize_axes(const NodeContext& ctx) {
  const std::vector<size_t> listed = listed_axes(ctx);
  auto axes = axes_without_roi(ctx, listed);
  if (!axes || !crops(ctx)) return axes;
  const auto roi = ctx.float_values(1);
  if (!roi) return std::nullopt;
  const size_t count = listed.size();
  if (roi->size() != 2 * count) ctx.fail("roi has ", roi->size(), " entries, not ", 2 * count);
  for (size_t i = 0; i < count; ++i) {
    (*axes)[listed[i]].roi_begin = (*roi)[i];
    (*axes)[listed[i]].roi_end = (*roi)[count + i];
  }
  return axes;
}

bool crops(const NodeContext& ctx) {
  return coordinate_mode(ctx) == "tf_crop_and_resize";
}

std::vector<double> source_positions(const NodeContext& ctx, const ResizeAxis& axis,
                                     int64_t in_size) {
  const auto in = static_cast<double>(in_size), out = static_cast<double>(axis.size);
  std::vector<double> positions(static_cast<size_t>(axis.size));
  if (crops(ctx)) {
    const double begin = axis.roi_begin * (in - 1), end = axis.roi_end * (in - 1);
    for (size_t i = 0; i < positions.size(); ++i)
      positions[i] =
          out > 1 ? begin + static_cast<double>(i) * (end - begin) / (out - 1) : (begin + end) / 2;
    return positions;
  }
  const Coordinate coordinate = coordinate_function(ctx);
  for (size_t i = 0; i < positions.size(); ++i)
    positions[i] = coordinate(static_cast<double>(i), axis.scale, in, out);
  return positions;
}

Rounding rounding_function(const NodeContext& ctx) {
  const std::string mode = form_of(ctx).is_old
                               ? "floor"
                               : ctx.attributes().get_string("nearest_mode", "round_prefer_floor");
  if (mode == "floor") return [](double x) { return std::floor(x); };
  if (mode == "ceil") return [](double x) { return std::ceil(x); };
  if (mode == "round_prefer_floor") return [](double x) { return std::ceil(x - 0.5); };
  if (mode == "round_prefer_ceil") return [](double x) { return std::floor(x + 0.5); };
  ctx.fail("nearest_mode '", mode, "' is not known");
}

} // namespace octet
