// MaxPool and AveragePool: declared for the canonical stage, run channels-last in the lowered one.
// Global pools are reductions and run in either layout.
#include "kernels/pool/pool.h"
#include "kernels/reduce/reduce.h"
#include "ops/element.h"
#include "ops/pool_any.h"
#include "ops/scratch_layout.h"
#include "ops/window_geometry.h"

namespace octet {
namespace {
using kernels::ConvShape;
using kernels::Pool;

// A pool as a convolution with as many output as input channels.
ConvGeometry pool_geometry(const NodeContext& ctx) {
  const Shape& x = ctx.shape(0);
  const TensorLayout layout = layout_of(ctx.node());
  if (x.rank() < 3) ctx.fail("data of shape ", to_string(x), " has no spatial dims");
  if (!ctx.attributes().has("kernel_shape")) ctx.fail("attribute 'kernel_shape' is missing");
  ConvGeometry g{.window = window_geometry(ctx, spatial_dims(x, layout), {}),
                 .batch = x[0],
                 .in_channels = channel_dim(x, layout),
                 .out_channels = channel_dim(x, layout),
                 .output = {}};
  g.output = shape_with(g.batch, g.out_channels, g.window.output, layout);
  return g;
}

void infer_pool(InferContext& ctx) {
  const Shape out = pool_geometry(ctx).output;
  ctx.set_output(0, ctx.dtype(0), out);
  ctx.set_output(1, DType::Int64, out); // MaxPool's indices
}

template <class T, class Run>
Kernel pool_kernel(PrepareContext& ctx, const ConvGeometry& geometry, const Run& run_pixels) {
  if (geometry.output.elements() == 0) return do_nothing();
  const ConvShape shape = geometry.kernel_shape(ctx);
  const size_t scratch_bytes = aligned_scratch(kernels::pool_scratch_bytes(shape));
  ctx.request_scratch(checked_mul(scratch_bytes, ctx.worker_count()));
  return [=](const RunContext& run) {
    const Pool<T> pool{.shape = shape,
                       .x = run.input<T>(0),
                       .x_stride = shape.in_channels,
                       .y = run.output<T>(0),
                       .y_stride = shape.in_channels};
    run.workers.split(shape.batch * shape.out_h * shape.out_w, 4,
                      kernels::tap_count(shape) * shape.in_channels * kElementCost / 4,
                      [&](size_t begin, size_t end, size_t worker) {
                        run_pixels(pool, begin, end, run.scratch + worker * scratch_bytes);
                      });
  };
}

Kernel prepare_max_pool(PrepareContext& ctx) {
  const ConvGeometry geometry = pool_geometry(ctx);
  const auto running = [](auto* function) {
    return [=](const auto& pool, size_t begin, size_t end, void* scratch) {
      function(pool, begin, end, scratch);
    };
  };
  switch (ctx.dtype(0)) {
  case DType::Float32:
    return pool_kernel<float>(ctx, geometry, running(kernels::max_pool_f32));
  case DType::UInt8:
    return pool_kernel<uint8_t>(ctx, geometry, running(kernels::max_pool_u8));
  case DType::Int8:
    return pool_kernel<int8_t>(ctx, geometry, running(kernels::max_pool_s8));
  case DType::Int16:
    return pool_kernel<int16_t>(ctx, geometry, running(kernels::max_pool_s16));
  default:
    ctx.unsupported("data of type ", dtype_name(ctx.dtype(0)));
  }
}

void check_float(const NodeContext& ctx) {
  if (ctx.dtype(0) != DType::Float32) ctx.unsupported("data of type ", dtype_name(ctx.dtype(0)));
}

Kernel prepare_average_pool(PrepareContext& ctx) {
  check_float(ctx);
  const ConvGeometry geometry = pool_geometry(ctx);
  const auto& pad_end = geometry.window.pad_end;
  const kernels::AverageDivisor divisor{
      .count_padding = ctx.attributes().get_int("count_include_pad", 0) != 0,
      .pad_bottom = pad_end.size() > 1 ? static_cast<size_t>(pad_end[0]) : 0,
      .pad_right = static_cast<size_t>(pad_end.back())};
  return pool_kernel<float>(ctx, geometry,
                            [=](const Pool<float>& pool, size_t begin, size_t end, void* scratch) {
                              kernels::average_pool_f32(pool, divisor, begin, end, scratch);
                            });
}

// --- global pools
void infer_global_pool(InferContext& ctx) {
  const Shape& x = ctx.shape(0);
  if (x.rank() < 2) ctx.fail("data of shape ", to_string(x), " has no channels");
  const TensorLayout layout = layout_of(ctx.node());
  ctx.set_output(
      0, ctx.dtype(0),
      shape_with(x[0], channel_dim(x, layout), std::vector<int64_t>(x.rank() - 2, 1), layout));
}

// The data of a global pool as [outer, pixels, inner], of which it reduces the pixels.
kernels::AxisShape pooled_axis(const NodeContext& ctx, size_t outputs) {
  const Shape& x = ctx.shape(0);
  const bool last = layout_of(ctx.node()) == TensorLayout::ChannelsLast;
  return {.outer = last ? dim(x, 0) : outputs,
          .axis = x.elements() / outputs,
          .inner = last ? outputs / dim(x, 0) : 1};
}

// y[i] = mean of x[:, i]. Adds up every fourth pixel first, as onnxruntime does: codes that are
// made of averages then agree with its own, whichever way a tie would fall.
void average_pixels(const kernels::AxisShape& shape, const float* x, float* partial, float* y) {
  const size_t inner = shape.inner, fours = shape.axis / 4;
  std::fill_n(partial, 4 * inner, 0.0f);
  kernels::reduce_f32(kernels::Reduction::sum, {.outer = 1, .axis = fours, .inner = 4 * inner}, x,
                      partial);
  const float* const p[] = {partial, partial + inner, partial + 2 * inner, partial + 3 * inner};
  for (size_t i = 0; i < inner; ++i) {
    float sum = (p[0][i] + p[2][i]) + (p[1][i] + p[3][i]);
    for (size_t pixel = 4 * fours; pixel < shape.axis; ++pixel) sum += x[pixel * inner + i];
    y[i] = sum / static_cast<float>(shape.axis);
  }
}

Kernel prepare_global_average_pool(PrepareContext& ctx) {
  check_float(ctx);
  const size_t outputs = ctx.output_shape(0).elements();
  if (outputs == 0) return do_nothing();
  const kernels::AxisShape shape = pooled_axis(ctx, outputs);
  ctx.request_scratch(checked_mul(4 * sizeof(float), shape.inner));
  return [=](const RunContext& run) {
    for (size_t o = 0; o < shape.outer; ++o)
      average_pixels(shape, run.input<float>(0) + o * shape.axis * shape.inner,
                     reinterpret_cast<float*>(run.scratch), run.output<float>(0) + o * shape.inner);
  };
}

Kernel prepare_global_max_pool(PrepareContext& ctx) {
  check_float(ctx);
  const size_t outputs = ctx.output_shape(0).elements();
  if (outputs == 0) return do_nothing();
  return [=, shape = pooled_axis(ctx, outputs)](const RunContext& run) {
    constexpr auto kMax = kernels::Reduction::max;
    std::fill_n(run.output<float>(0), outputs, kernels::reduce_initial(kMax));
    if (shape.axis != 0)
      kernels::reduce_f32(kMax, shape, run.input<float>(0), run.output<float>(0));
  };
}
} // namespace

extern const OpDef op_max_pool{
    .infer = infer_pool, .prepare = prepare_max_pool_any, .float32 = true};
extern const OpDef op_average_pool{
    .infer = infer_pool, .prepare = prepare_average_pool_any, .float32 = true};
extern const OpDef op_lowered_max_pool{.infer = infer_pool, .prepare = prepare_max_pool};
extern const OpDef op_lowered_average_pool{.infer = infer_pool, .prepare = prepare_average_pool};
extern const OpDef op_global_average_pool{
    .infer = infer_global_pool, .prepare = prepare_global_average_pool, .float32 = true};
extern const OpDef op_global_max_pool{
    .infer = infer_global_pool, .prepare = prepare_global_max_pool, .float32 = true};

} // namespace octet
