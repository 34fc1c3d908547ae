// Conv: declared for the canonical stage, run channels-last in the lowered one.
#include "kernels/conv_f32/conv_f32.h"
#include "kernels/dwconv_f32/dwconv_f32.h"
#include "ops/activation.h"
#include "ops/element.h"
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

// What distinguishes the dense kernels from the depthwise ones.
struct ConvFamily {
  size_t (*packed_elements)(const ConvShape&) noexcept;
  void (*pack)(const ConvShape&, const float*, float*) noexcept;
  size_t (*scratch_bytes)(const ConvShape&) noexcept;
  void (*run)(const FConv&, size_t, size_t, void*) noexcept;
};
constexpr ConvFamily kDense{kernels::packed_f32_conv_elements, kernels::pack_f32_conv_weights,
                            kernels::conv_f32_scratch_bytes, kernels::conv_f32};
constexpr ConvFamily kDepthwise{kernels::packed_f32_dwconv_elements,
                                kernels::pack_f32_dwconv_weights, kernels::dwconv_f32_scratch_bytes,
                                kernels::dwconv_f32};

// Kernels load the bias a panel at a time.
Buffer padded_bias(const Tensor& bias) {
  const auto values = bias.values<float>();
  Buffer out((values.size() + kernels::kFPanelWidth) * sizeof(float));
  std::fill(std::copy(values.begin(), values.end(), reinterpret_cast<float*>(out.data())),
            reinterpret_cast<float*>(out.data() + out.size()), 0.0f);
  return out;
}

Kernel prepare_conv(PrepareContext& ctx) {
  if (ctx.dtype(0) != DType::Float32) ctx.unsupported("data of type ", dtype_name(ctx.dtype(0)));
  const ConvGeometry geometry = conv_geometry(ctx, 1);
  if (geometry.output.elements() == 0) return [](const RunContext&) {};
  const ConvShape shape = geometry.kernel_shape(ctx);
  const ConvFamily& family = geometry.is_depthwise() ? kDepthwise : kDense;
  const Tensor *w = ctx.constant(1), *b = ctx.has_input(2) ? ctx.constant(2) : nullptr;
  if (!w || (ctx.has_input(2) && !b)) ctx.unsupported("weights that are not constant");
  const auto packed = ctx.packed(1, concat("conv_f32/", shape.groups), [&] {
    Buffer out(checked_mul(family.packed_elements(shape), sizeof(float)));
    family.pack(shape, w->values<float>().data(), reinterpret_cast<float*>(out.data()));
    return out;
  });
  const auto bias = b ? ctx.packed(2, "bias", [&] { return padded_bias(*b); }) : nullptr;
  ctx.request_scratch(family.scratch_bytes(shape));
  const FusedActivation activation = fused_activation(ctx);
  return [=, &family](const RunContext& run) {
    const FConv conv{
        .shape = shape,
        .x = run.input<float>(0),
        .x_stride = shape.in_channels,
        .w = reinterpret_cast<const float*>(packed->data()),
        .y = run.output<float>(0),
        .y_stride = shape.out_channels,
        .params = {.bias = bias ? reinterpret_cast<const float*>(bias->data()) : nullptr,
                   .lo = activation.lo,
                   .hi = activation.hi}};
    run_activated(activation, conv.y, conv.y_stride, shape.batch * shape.out_h * shape.out_w,
                  [&](size_t begin, size_t end) { family.run(conv, begin, end, run.scratch); });
  };
}
} // namespace

extern const OpDef op_conv{.infer = infer_conv};
extern const OpDef op_lowered_conv{.infer = infer_conv, .prepare = prepare_conv};

} // namespace octet
