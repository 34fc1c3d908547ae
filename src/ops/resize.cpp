// Resize and Upsample: nearest and linear, on the spatial axes of images. Declared for the
// canonical stage, run channels-last in the lowered one; coordinates are resolved into tables when
// preparing.
#include <algorithm>
#include <cmath>

#include "kernels/resize/resize.h"
#include "ops/element.h"
#include "ops/scratch_layout.h"
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

// Of one axis of x: how often its size grows, and to what.
struct ResizeAxis {
  double scale = 1;
  int64_t size = 0;
};

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

// For every axis of x as the node lays it out; nothing when scales and sizes are not known yet.
std::optional<std::vector<ResizeAxis>> resize_axes(const NodeContext& ctx) {
  const Shape& x = ctx.shape(0);
  const ResizeForm form = form_of(ctx);
  std::vector<size_t> listed;
  for (int64_t axis : ctx.attributes().get_ints("axes"))
    listed.push_back(axis_in_node(ctx, ctx.normalize_axis(axis, x.rank())));
  if (listed.empty())
    for (size_t i = 0; i < x.rank(); ++i) listed.push_back(axis_in_node(ctx, i));
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

void infer_resize(InferContext& ctx) {
  const auto axes = resize_axes(ctx);
  if (!axes) return ctx.set_output_dtype(0, ctx.dtype(0));
  Shape out;
  for (const ResizeAxis& axis : *axes) out.push_back(axis.size);
  ctx.set_output(0, ctx.dtype(0), std::move(out));
}

// Where an output position lies in the input, by coordinate_transformation_mode.
using Coordinate = double (*)(double at, double scale, double in, double out);

Coordinate coordinate_function(const NodeContext& ctx) {
  const std::string mode =
      form_of(ctx).is_old
          ? "asymmetric"
          : ctx.attributes().get_string("coordinate_transformation_mode", "half_pixel");
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
    return [](double at, double, double in, double out) {
      return out > 1 ? at * (in - 1) / (out - 1) : 0.0;
    };
  if (mode == "asymmetric")
    return [](double at, double scale, double, double) { return at / scale; };
  if (mode == "tf_half_pixel_for_nn")
    return [](double at, double scale, double, double) { return (at + 0.5) / scale; };
  ctx.unsupported("coordinate_transformation_mode '", mode, "'");
}

using Rounding = double (*)(double);

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

// Positions in the input for every output position of one axis, clamped into it.
std::vector<double> source_positions(const NodeContext& ctx, const ResizeAxis& axis,
                                     int64_t in_size) {
  const Coordinate coordinate = coordinate_function(ctx);
  const auto in = static_cast<double>(in_size), out = static_cast<double>(axis.size);
  std::vector<double> positions(static_cast<size_t>(axis.size));
  for (size_t i = 0; i < positions.size(); ++i)
    positions[i] = coordinate(static_cast<double>(i), axis.scale, in, out);
  return positions;
}

uint32_t clamp_position(double at, int64_t size) {
  return static_cast<uint32_t>(std::clamp(at, 0.0, static_cast<double>(size - 1)));
}

std::vector<uint32_t> nearest_table(const NodeContext& ctx, const ResizeAxis& axis,
                                    int64_t in_size) {
  const Rounding round = rounding_function(ctx);
  std::vector<uint32_t> table;
  for (double at : source_positions(ctx, axis, in_size))
    table.push_back(clamp_position(round(at), in_size));
  return table;
}

struct LinearTable {
  std::vector<uint32_t> first, second;
  std::vector<float> weight;

  kernels::LinearAxis view() const { return {first.data(), second.data(), weight.data()}; }
};

LinearTable linear_table(const NodeContext& ctx, const ResizeAxis& axis, int64_t in_size) {
  LinearTable table;
  for (double at : source_positions(ctx, axis, in_size)) {
    at = std::clamp(at, 0.0, static_cast<double>(in_size - 1));
    table.first.push_back(clamp_position(at, in_size));
    table.second.push_back(clamp_position(at + 1, in_size));
    table.weight.push_back(static_cast<float>(at - std::floor(at)));
  }
  return table;
}

Kernel prepare_resize(PrepareContext& ctx) {
  const Shape &x = ctx.shape(0), &y = ctx.output_shape(0);
  const size_t rank = x.rank();
  const auto axes = *resize_axes(ctx);
  if (rank != 3 && rank != 4) ctx.unsupported("data of rank ", rank);
  if (y[0] != x[0] || y.back() != x.back()) ctx.unsupported("scaled batches or channels");
  if (ctx.attributes().get_int("antialias", 0) != 0) ctx.unsupported("antialias");
  if (y.elements() == 0) return do_nothing();
  if (x.elements() == 0) ctx.fail("an empty image cannot grow");
  const bool has_rows = rank == 4;
  const ResizeAxis rows = has_rows ? axes[1] : ResizeAxis{1, 1}, columns = axes[rank - 2];
  const int64_t in_h = has_rows ? x[1] : 1, in_w = x[rank - 2];
  const kernels::ResizeShape shape{.batch = dim(x, 0),
                                   .in_h = static_cast<size_t>(in_h),
                                   .in_w = static_cast<size_t>(in_w),
                                   .out_h = static_cast<size_t>(rows.size),
                                   .out_w = static_cast<size_t>(columns.size),
                                   .channels = dim(x, rank - 1)};
  const size_t out_rows = shape.batch * shape.out_h;
  const size_t row_cost = shape.out_w * shape.channels * kElementCost;
  const std::string mode = ctx.attributes().get_string("mode", "nearest");
  if (mode == "nearest") {
    return [=, row_table = nearest_table(ctx, rows, in_h),
            column_table = nearest_table(ctx, columns, in_w),
            bytes = element_bytes(ctx, ctx.dtype(0))](const RunContext& run) {
      const kernels::ResizeNearest resize{.shape = shape,
                                          .rows = row_table.data(),
                                          .columns = column_table.data(),
                                          .element_bytes = bytes,
                                          .x = run.inputs[0],
                                          .y = run.outputs[0]};
      run.workers.split(out_rows, 1, row_cost, [&](size_t begin, size_t end, size_t) {
        kernels::resize_nearest(resize, begin, end);
      });
    };
  }
  if (mode != "linear") ctx.unsupported("mode '", mode, "'");
  if (ctx.dtype(0) != DType::Float32) ctx.unsupported("data of type ", dtype_name(ctx.dtype(0)));
  const size_t scratch_bytes = aligned_scratch(kernels::resize_linear_scratch_bytes(shape));
  ctx.request_scratch(checked_mul(scratch_bytes, ctx.worker_count()));
  return [=, row_table = linear_table(ctx, rows, in_h),
          column_table = linear_table(ctx, columns, in_w)](const RunContext& run) {
    const kernels::ResizeLinear resize{.shape = shape,
                                       .rows = row_table.view(),
                                       .columns = column_table.view(),
                                       .x = run.input<float>(0),
                                       .y = run.output<float>(0)};
    run.workers.split(out_rows, 1, row_cost, [&](size_t begin, size_t end, size_t worker) {
      kernels::resize_linear_f32(resize, begin, end, run.scratch + worker * scratch_bytes);
    });
  };
}
} // namespace

extern const OpDef op_resize{.infer = infer_resize, .float32 = true};
extern const OpDef op_lowered_resize{.infer = infer_resize, .prepare = prepare_resize};

} // namespace octet
