// Normalizations: over trailing axes (LayerNormalization, RMSNormalization), over groups of
// channels (GroupNormalization, InstanceNormalization), and with given statistics
// (BatchNormalization).
#include <cmath>

#include "kernels/eltwise/unary.h"
#include "kernels/norm/norm.h"
#include "kernels/reduce/reduce.h"
#include "ops/batch_norm.h"
#include "ops/element.h"
#include "ops/registry.h"
#include "ops/scratch_layout.h"

namespace octet {
namespace {
void check_floats(const NodeContext& ctx, size_t inputs) {
  for (size_t i = 0; i < inputs; ++i)
    if (ctx.has_input(i) && ctx.dtype(i) != DType::Float32)
      ctx.unsupported("input ", i, " of type ", dtype_name(ctx.dtype(i)));
}

// --- LayerNormalization, RMSNormalization
size_t norm_axis(const NodeContext& ctx) {
  return ctx.normalize_axis(ctx.attributes().get_int("axis", -1), ctx.shape(0).rank());
}

void infer_row_norm(InferContext& ctx) {
  const Shape& x = ctx.shape(0);
  Shape statistics = x;
  for (size_t i = norm_axis(ctx); i < x.rank(); ++i) statistics[i] = 1;
  const size_t columns = x.elements(norm_axis(ctx), x.rank());
  for (size_t i = 1; i < 3; ++i)
    if (ctx.has_input(i) && ctx.shape(i).elements() != columns)
      ctx.unsupported("input ", i, " of shape ", to_string(ctx.shape(i)), " for rows of ", columns);
  ctx.input(1);
  ctx.set_output(0, ctx.dtype(0), x);
  for (size_t i = 1; i < ctx.output_count(); ++i) ctx.set_output(i, DType::Float32, statistics);
}

template <kernels::RowNormFn* function>
Kernel prepare_row_norm(PrepareContext& ctx) {
  check_floats(ctx, 3);
  const Shape& x = ctx.shape(0);
  const size_t axis = norm_axis(ctx), columns = x.elements(axis, x.rank());
  if (x.elements() == 0) return do_nothing();
  return [=, rows = x.elements(0, axis), epsilon = ctx.attributes().get_float("epsilon", 1e-5f),
          has_bias = ctx.has_input(2), has_mean = ctx.has_output(1),
          has_inverse_std = ctx.has_output(2)](const RunContext& run) {
    const kernels::RowNorm norm{.columns = columns,
                                .x = run.input<float>(0),
                                .y = run.output<float>(0),
                                .scale = run.input<float>(1),
                                .bias = has_bias ? run.input<float>(2) : nullptr,
                                .epsilon = epsilon,
                                .mean = has_mean ? run.output<float>(1) : nullptr,
                                .inverse_std = has_inverse_std ? run.output<float>(2) : nullptr};
    run.workers.split(rows, 1, columns * kElementCost,
                      [&](size_t begin, size_t end, size_t) { function(norm, begin, end); });
  };
}

// --- channels of [N, C, spatial…]
ChannelShape channel_shape(const NodeContext& ctx) {
  const Shape& x = ctx.shape(0);
  if (x.rank() < 2) ctx.fail("data of shape ", to_string(x), " has no channels");
  return {dim(x, 0), dim(x, 1), x.elements(2, x.rank())};
}

void check_per_channel(const NodeContext& ctx, size_t first, size_t end, size_t count) {
  for (size_t i = first; i < end; ++i)
    if (ctx.shape(i).elements() != count)
      ctx.fail("input ", i, " of shape ", to_string(ctx.shape(i)), " should have ", count,
               " elements");
}

// --- GroupNormalization, InstanceNormalization
// Scale and bias have one value per channel; ONNX's GroupNormalization before opset 21 one per
// group.
struct GroupShape {
  ChannelShape shape;
  size_t groups, per_parameter; // channels that share a scale

  size_t channels_per_group() const { return shape.channels / groups; }
};

GroupShape group_shape(const NodeContext& ctx) {
  const ChannelShape shape = channel_shape(ctx);
  if (ctx.node().op_type == "InstanceNormalization") return {shape, shape.channels, 1};
  const int64_t groups = ctx.attributes().get_int("num_groups", 0);
  if (groups < 1 || shape.channels % static_cast<size_t>(groups) != 0)
    ctx.fail(shape.channels, " channels do not split into ", groups, " groups");
  const auto count = static_cast<size_t>(groups);
  const bool per_group = ctx.opset() < 21 && ctx.node().domain != kLoweredDomain;
  return {shape, count, per_group ? shape.channels / count : 1};
}

void infer_group_norm(InferContext& ctx) {
  const GroupShape g = group_shape(ctx);
  check_per_channel(ctx, 1, 3, g.per_parameter ? g.shape.channels / g.per_parameter : 0);
  ctx.pass_through();
}

// Writes x − mean to y and returns 1 / √(variance + epsilon).
float center(const float* x, size_t n, float epsilon, float* y) {
  const kernels::AxisShape row{.axis = n};
  const auto count = static_cast<float>(n);
  float sum = 0, squares = 0;
  kernels::reduce_f32(kernels::Reduction::sum, row, x, &sum);
  const float shift[] = {1, -sum / count};
  kernels::multiply_add_f32(x, y, n, shift);
  kernels::reduce_f32(kernels::Reduction::sum_square, row, y, &squares);
  return 1 / std::sqrt(squares / count + epsilon);
}

Kernel prepare_group_norm(PrepareContext& ctx) {
  check_floats(ctx, 3);
  if (ctx.shape(0).elements() == 0) return do_nothing();
  return [g = group_shape(ctx),
          epsilon = ctx.attributes().get_float("epsilon", 1e-5f)](const RunContext& run) {
    const float *x = run.input<float>(0), *scale = run.input<float>(1), *bias = run.input<float>(2);
    auto* y = run.output<float>(0);
    const size_t per_group = g.channels_per_group(), plane = g.shape.plane;
    for (size_t i = 0; i < g.shape.batch * g.groups; ++i) {
      const float inverse_std = center(x, per_group * plane, epsilon, y);
      for (size_t c = i % g.groups * per_group, end = c + per_group; c < end; ++c, y += plane) {
        const float affine[] = {scale[c / g.per_parameter] * inverse_std,
                                bias[c / g.per_parameter]};
        kernels::multiply_add_f32(y, y, plane, affine);
      }
      x += per_group * plane;
    }
  };
}

// --- BatchNormalization: x, scale, bias, mean, variance
// A list is one channel; before operator set 9 the statistics may be those of each element.
ChannelShape batch_shape(const NodeContext& ctx) {
  const Shape& x = ctx.shape(0);
  if (x.rank() == 1) return {dim(x, 0), 1, 1};
  if (ctx.opset() < 9 && x.rank() > 1 && ctx.attributes().get_int("spatial", 1) == 0)
    return {dim(x, 0), x.elements(1, x.rank()), 1};
  return channel_shape(ctx);
}

void infer_batch_norm(InferContext& ctx) {
  check_per_channel(ctx, 1, 5, batch_shape(ctx).channels);
  ctx.set_output(0, ctx.dtype(0), ctx.shape(0));
  for (size_t i = 1; i < ctx.output_count(); ++i) ctx.set_output(i, ctx.dtype(3), ctx.shape(3));
}

bool all_float32(const NodeContext& ctx) {
  for (size_t i = 0; i < ctx.input_count(); ++i)
    if (ctx.dtype(i) != DType::Float32) return false;
  return true;
}

Kernel prepare_batch_norm(PrepareContext& ctx) {
  const ChannelShape shape = batch_shape(ctx);
  if (trains(ctx) || !all_float32(ctx)) return general_batch_norm(ctx, shape);
  ScratchLayout scratch;
  const size_t scale_at = scratch.reserve_floats(shape.channels);
  const size_t shift_at = scratch.reserve_floats(shape.channels);
  ctx.request_scratch(scratch.bytes());
  return [=, epsilon = ctx.attributes().get_float("epsilon", 1e-5f)](const RunContext& run) {
    auto* scale = reinterpret_cast<float*>(run.scratch + scale_at);
    auto* shift = reinterpret_cast<float*>(run.scratch + shift_at);
    for (size_t c = 0; c < shape.channels; ++c) {
      scale[c] = run.input<float>(1)[c] / std::sqrt(run.input<float>(4)[c] + epsilon);
      shift[c] = run.input<float>(2)[c] - run.input<float>(3)[c] * scale[c];
    }
    const auto* x = run.input<float>(0);
    auto* y = run.output<float>(0);
    for (size_t n = 0; n < shape.batch; ++n)
      for (size_t c = 0; c < shape.channels; ++c, x += shape.plane, y += shape.plane) {
        const float affine[] = {scale[c], shift[c]};
        kernels::multiply_add_f32(x, y, shape.plane, affine);
      }
  };
}
} // namespace

extern const OpDef op_layer_normalization{
    .infer = infer_row_norm, .prepare = prepare_row_norm<kernels::layer_norm_f32>, .float32 = true};
extern const OpDef op_rms_normalization{
    .infer = infer_row_norm, .prepare = prepare_row_norm<kernels::rms_norm_f32>, .float32 = true};
extern const OpDef op_group_normalization{
    .infer = infer_group_norm, .prepare = prepare_group_norm, .float32 = true};
extern const OpDef op_batch_normalization{
    .infer = infer_batch_norm, .prepare = prepare_batch_norm, .float32 = true};

} // namespace octet
