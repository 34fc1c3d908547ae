// Conv: declared for the canonical stage, run channels-last in the lowered one.
#include "kernels/conv_f32/conv_f32.h"
#include "kernels/dwconv_f32/dwconv_f32.h"
#include "kernels/winograd/winograd.h"
#include "ops/activation.h"
#include "ops/conv_any.h"
#include "ops/packed_operand.h"
#include "ops/scratch_layout.h"
#include "ops/window_geometry.h"

namespace octet {
namespace {
using kernels::ConvShape;
using kernels::FConv;

void infer_conv(InferContext& ctx) {
  const ConvGeometry geometry = conv_geometry(ctx, 1);
  if (ctx.has_input(2) && ctx.shape(2) != Shape{geometry.out_channels})
    ctx.fail("bias of shape ", to_string(ctx.shape(2)), ", not [", geometry.out_channels, "]");
  ctx.set_output(0, ctx.dtype(0), geometry.output);
}

// What distinguishes the kernels of dense and depthwise convolutions.
struct ConvFamily {
  const char* name; // of the packed weights
  size_t (*packed_elements)(const ConvShape&) noexcept;
  void (*pack)(const ConvShape&, const float*, float*) noexcept;
  size_t (*scratch_bytes)(const ConvShape&) noexcept;
  void (*run)(const FConv&, size_t, size_t, void*) noexcept;
};
constexpr ConvFamily kDense{"conv_f32", kernels::packed_f32_conv_elements,
                            kernels::pack_f32_conv_weights, kernels::conv_f32_scratch_bytes,
                            kernels::conv_f32};
constexpr ConvFamily kDepthwise{"dwconv_f32", kernels::packed_f32_dwconv_elements,
                                kernels::pack_f32_dwconv_weights,
                                [](const ConvShape&) noexcept { return size_t{0}; },
                                [](const FConv& conv, size_t begin, size_t end, void*) noexcept {
                                  kernels::dwconv_f32(conv, begin, end);
                                }};

constexpr ConvFamily kWinograd{kDense.name, kDense.packed_elements, kDense.pack,
                               kernels::winograd_f32_scratch_bytes, kernels::winograd_f32};

const ConvFamily& family_of(const ConvGeometry& geometry, const ConvShape& shape) {
  if (geometry.is_depthwise()) return kDepthwise;
  return kernels::winograd_f32_pays(shape) ? kWinograd : kDense;
}

void transform_weights(const RunContext& run, FConv& conv, uint8_t* transformed) noexcept {
  run.workers.split(conv.shape.out_channels, kernels::kFPanelWidth,
                    kernels::winograd_weight_cost(conv.shape),
                    [&](size_t begin, size_t end, size_t) {
                      kernels::transform_winograd_f32_weights(conv, begin, end, transformed);
                    });
  conv.w = reinterpret_cast<const float*>(transformed);
}

Kernel prepare_conv(PrepareContext& ctx) {
  if (ctx.dtype(0) != DType::Float32) ctx.unsupported("data of type ", dtype_name(ctx.dtype(0)));
  const ConvGeometry geometry = conv_geometry(ctx, 1);
  if (geometry.output.elements() == 0) return do_nothing();
  const ConvShape shape = geometry.kernel_shape(ctx);
  const ConvFamily& family = family_of(geometry, shape);
  ScratchLayout scratch;
  PackedOperand weights(
      ctx, 1, concat(family.name, "/", shape.groups), family.packed_elements(shape), scratch,
      [=, pack = family.pack](const float* from, float* to) { pack(shape, from, to); });
  PackedOperand bias = padded_bias(ctx, 2, shape.out_channels, scratch);
  const bool is_winograd = &family == &kWinograd;
  const size_t transformed =
      scratch.reserve(is_winograd ? kernels::winograd_f32_weight_bytes(shape) : 0);
  const size_t window_bytes = aligned_scratch(family.scratch_bytes(shape));
  const size_t windows = scratch.reserve(checked_mul(window_bytes, ctx.worker_count()));
  ctx.request_scratch(scratch.bytes());
  const FusedActivation activation = fused_activation(ctx);
  MatrixSplit split = pixel_split(shape);
  if (is_winograd) split.keep_rows(kernels::winograd_grain(shape));
  return [=, run_pixels = family.run, weights = std::move(weights),
          bias = std::move(bias)](const RunContext& run) {
    weights.prepare(run);
    bias.prepare(run);
    FConv conv{.shape = shape,
               .x = run.input<float>(0),
               .x_stride = shape.in_channels,
               .w = weights.get(run),
               .y = run.output<float>(0),
               .y_stride = shape.out_channels,
               .params = {.bias = bias.get(run), .lo = activation.lo, .hi = activation.hi}};
    if (is_winograd) transform_weights(run, conv, run.scratch + transformed);
    run_activated(
        run.workers, split, activation, conv.y, [&](const MatrixBlock& block, size_t worker) {
          run_pixels(kernels::channels_of(conv, block.column_begin, block.column_end),
                     block.row_begin, block.row_end, run.scratch + windows + worker * window_bytes);
        });
  };
}
} // namespace

extern const OpDef op_conv{.infer = infer_conv, .prepare = prepare_conv_any, .float32 = true};
extern const OpDef op_lowered_conv{.infer = infer_conv, .prepare = prepare_conv};

} // namespace octet
