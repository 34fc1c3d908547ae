// Resize and Upsample: nearest and linear on images have kernels; the other modes, axes and types
// are resampled axis by axis (resize_any.cpp). Declared for the canonical stage, run channels-last
// in the lowered one; coordinates are resolved into tables when preparing.
#include <algorithm>
#include <cmath>

#include "kernels/resize/resize.h"
#include "ops/element.h"
#include "ops/resize_any.h"
#include "ops/resize_axes.h"
#include "ops/scratch_layout.h"
#include "ops/window_geometry.h"

namespace octet {
namespace {
void infer_resize(InferContext& ctx) {
  const auto axes = resize_axes(ctx);
  if (!axes) return ctx.set_output_dtype(0, ctx.dtype(0));
  Shape out;
  for (const ResizeAxis& axis : *axes) out.push_back(axis.size);
  ctx.set_output(0, ctx.dtype(0), std::move(out));
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

// Whether the kernels for images, channels-last, do what the node asks for.
bool has_kernel(const PrepareContext& ctx, const std::string& mode) {
  const Shape &x = ctx.shape(0), &y = ctx.output_shape(0);
  return (x.rank() == 3 || x.rank() == 4) && y[0] == x[0] && y.back() == x.back() &&
         ctx.attributes().get_int("antialias", 0) == 0 && !crops(ctx) &&
         (mode == "nearest" || (mode == "linear" && ctx.dtype(0) == DType::Float32));
}

Kernel prepare_resize(PrepareContext& ctx) {
  const Shape &x = ctx.shape(0), &y = ctx.output_shape(0);
  const size_t rank = x.rank();
  const auto axes = *resize_axes(ctx);
  if (y.elements() == 0) return do_nothing();
  if (x.elements() == 0) ctx.fail("an empty image cannot grow");
  const std::string mode = ctx.attributes().get_string("mode", "nearest");
  if (!has_kernel(ctx, mode)) return prepare_resize_any(ctx);
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

extern const OpDef op_resize{.infer = infer_resize, .prepare = prepare_resize_any, .float32 = true};
extern const OpDef op_lowered_resize{.infer = infer_resize, .prepare = prepare_resize};

} // namespace octet
