// ConvTranspose: declared for the canonical stage, run channels-last in the lowered one.
#include <algorithm>

#include "kernels/conv_transpose_f32/disjoint.h"
#include "ops/activation.h"
#include "ops/conv_any.h"
#include "ops/packed_operand.h"
#include "ops/scratch_layout.h"
#include "ops/window_geometry.h"

namespace octet {
namespace {
void infer_conv_transpose(InferContext& ctx) {
  const ConvGeometry geometry = conv_transpose_geometry(ctx);
  if (ctx.has_input(2) && ctx.shape(2) != Shape{geometry.out_channels})
    ctx.fail("bias of shape ", to_string(ctx.shape(2)), ", not [", geometry.out_channels, "]");
  ctx.set_output(0, ctx.dtype(0), geometry.output);
}

Kernel prepare_conv_transpose(PrepareContext& ctx) {
  if (ctx.dtype(0) != DType::Float32) ctx.unsupported("data of type ", dtype_name(ctx.dtype(0)));
  const ConvGeometry geometry = conv_transpose_geometry(ctx);
  if (geometry.output.elements() == 0) return do_nothing();
  const kernels::ConvShape shape = geometry.kernel_shape(ctx);
  const std::string how =
      concat("conv_transpose_f32/", shape.groups, "/", shape.stride_h, "x", shape.stride_w, "/",
             shape.dilation_h, "x", shape.dilation_w, "/", shape.pad_top, "x", shape.pad_left,
             kernels::is_disjoint(shape) ? "/disjoint" : "");
  ScratchLayout scratch;
  PackedOperand weights(ctx, 1, how, kernels::packed_f32_conv_transpose_elements(shape), scratch,
                        [=](const float* from, float* to) {
                          kernels::pack_f32_conv_transpose_weights(shape, from, to);
                        });
  PackedOperand bias = padded_bias(ctx, 2, shape.out_channels, scratch);
  const size_t row_bytes = aligned_scratch(kernels::conv_transpose_f32_scratch_bytes(shape));
  const size_t rows_at = scratch.reserve(checked_mul(row_bytes, ctx.worker_count()));
  const size_t products =
      kernels::group_inputs(shape) * kernels::tap_count(shape) / (shape.stride_h * shape.stride_w);
  ctx.request_scratch(scratch.bytes());
  return [=, activation = fused_activation(ctx), weights = std::move(weights),
          bias = std::move(bias)](const RunContext& run) {
    weights.prepare(run);
    bias.prepare(run);
    const kernels::FConvTranspose conv{
        .shape = shape,
        .x = run.input<float>(0),
        .x_stride = shape.in_channels,
        .w = weights.get(run),
        .y = run.output<float>(0),
        .y_stride = shape.out_channels,
        .params = {.bias = bias.get(run), .lo = activation.lo, .hi = activation.hi}};
    run_activated(run.workers,
                  {.rows = shape.batch * shape.out_h,
                   .columns = shape.out_w * shape.out_channels,
                   .cost = products,
                   .row_grain = shape.stride_h},
                  activation, conv.y, [&](const MatrixBlock& block, size_t worker) {
                    kernels::conv_transpose_f32(conv, block.row_begin, block.row_end,
                                                run.scratch + rows_at + worker * row_bytes);
                  });
  };
}
} // namespace

extern const OpDef op_conv_transpose{
    .infer = infer_conv_transpose, .prepare = prepare_conv_transpose_any, .float32 = true};
extern const OpDef op_lowered_conv_transpose{.infer = infer_conv_transpose,
                                             .prepare = prepare_conv_transpose};

} // namespace octet
