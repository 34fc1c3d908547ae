// The lowered Observe: hands its operand to the host's sink and passes it on. Quantization puts one
// wherever it is going to quantize, so the graph it calibrates is fused like the graph it writes.
//
// ObserveReductions hands on the vectors that a product multiplies its weights with: the rows of
// its one operand, or, with the weights and the attributes of a Conv, the elements [inputs, window]
// under each output pixel, of group g to the tap that many further on. Of many pixels it takes
// some, evenly spread.
#include "kernels/conv_shape.h"
#include "ops/elementwise.h"
#include "ops/scratch_layout.h"
#include "ops/window_geometry.h"

namespace octet {
namespace {
constexpr size_t kChunkRows = 32, kMaxPixels = 2048;

void pass_on(const RunContext& run, size_t count) {
  if (run.inputs[0] != run.outputs[0])
    std::copy_n(run.input<float>(0), count, run.output<float>(0));
}

size_t tap_of(const PrepareContext& ctx) {
  if (ctx.dtype(0) != DType::Float32) ctx.unsupported("data of type ", dtype_name(ctx.dtype(0)));
  return static_cast<size_t>(ctx.attributes().get_int("tap", 0));
}

std::shared_ptr<ValueSink> sink_of(const PrepareContext& ctx) {
  return ctx.host() ? ctx.host()->sink() : nullptr;
}

using Observation = void (ValueSink::*)(size_t tap, std::span<const float> values);

template <Observation observe>
Kernel prepare_whole(PrepareContext& ctx) {
  return [sink = sink_of(ctx), tap = tap_of(ctx),
          count = ctx.shape(0).elements()](const RunContext& run) {
    if (sink) (sink.get()->*observe)(tap, {run.input<float>(0), count});
    pass_on(run, count);
  };
}

// One plane [in_h, in_w] under the window of an output pixel; 0 outside.
float* gather_window(const kernels::ConvShape& s, const float* plane, size_t y, size_t x,
                     float* to) {
  for (size_t ky = 0; ky < s.kernel_h; ++ky) {
    const size_t row = y * s.stride_h + ky * s.dilation_h - s.pad_top; // wraps above the image
    for (size_t kx = 0; kx < s.kernel_w; ++kx) {
      const size_t column = x * s.stride_w + kx * s.dilation_w - s.pad_left;
      *to++ = row < s.in_h && column < s.in_w ? plane[row * s.in_w + column] : 0;
    }
  }
  return to;
}

// The vectors of one group.
void observe_windows(const kernels::ConvShape& s, size_t group, const float* image, float* chunk,
                     const std::function<void(std::span<const float>)>& sink) {
  const size_t inputs = kernels::group_inputs(s), plane = s.in_h * s.in_w;
  const size_t pixels = s.out_h * s.out_w, total = s.batch * pixels;
  const size_t step = (total + kMaxPixels - 1) / kMaxPixels;
  float* to = chunk;
  for (size_t i = 0, rows = 0; i < total; i += step) {
    const size_t first = i / pixels * s.in_channels + group * inputs, pixel = i % pixels;
    for (size_t c = 0; c < inputs; ++c)
      to = gather_window(s, image + (first + c) * plane, pixel / s.out_w, pixel % s.out_w, to);
    if (++rows % kChunkRows != 0 && i + step < total) continue;
    sink({chunk, to});
    to = chunk;
  }
}

Kernel prepare_observe_reductions(PrepareContext& ctx) {
  if (!ctx.has_input(1)) return prepare_whole<&ValueSink::observe_reductions>(ctx);
  const kernels::ConvShape shape =
      conv_geometry(ctx, 1, TensorLayout::ChannelsFirst).kernel_shape(ctx);
  ctx.request_scratch(checked_mul(kChunkRows * sizeof(float),
                                  checked_mul(kernels::group_inputs(shape), tap_count(shape))));
  return [sink = sink_of(ctx), tap = tap_of(ctx), shape,
          count = ctx.shape(0).elements()](const RunContext& run) {
    auto* chunk = reinterpret_cast<float*>(run.scratch);
    for (size_t g = 0; sink && g < shape.groups; ++g)
      observe_windows(shape, g, run.input<float>(0), chunk, [&](std::span<const float> rows) {
        sink->observe_reductions(tap + g, rows);
      });
    pass_on(run, count);
  };
}
} // namespace

extern const OpDef op_observe{.infer = infer_same,
                              .prepare = prepare_whole<&ValueSink::observe>,
                              .aliasing = Aliasing::InPlace,
                              .layout = LayoutRule::Elementwise,
                              .deterministic = false};
extern const OpDef op_observe_reductions{.infer = infer_same,
                                         .prepare = prepare_observe_reductions,
                                         .aliasing = Aliasing::InPlace,
                                         .deterministic = false};

} // namespace octet
