// The lowered Observe: hands its operand to the host's sink and passes it on. Quantization puts one
// wherever it is going to quantize, so the graph it calibrates is fused like the graph it writes.
#include "ops/elementwise.h"

namespace octet {
namespace {
Kernel prepare_observe(PrepareContext& ctx) {
  if (ctx.dtype(0) != DType::Float32) ctx.unsupported("data of type ", dtype_name(ctx.dtype(0)));
  auto sink = ctx.host() ? ctx.host()->sink() : nullptr;
  const auto tap = static_cast<size_t>(ctx.attributes().get_int("tap", 0));
  return [sink = std::move(sink), tap, count = ctx.shape(0).elements()](const RunContext& run) {
    if (sink) sink->observe(tap, {run.input<float>(0), count});
    if (run.inputs[0] != run.outputs[0])
      std::copy_n(run.input<float>(0), count, run.output<float>(0));
  };
}
} // namespace

extern const OpDef op_observe{.infer = infer_same,
                              .prepare = prepare_observe,
                              .aliasing = Aliasing::InPlace,
                              .layout = LayoutRule::Elementwise,
                              .deterministic = false};

} // namespace octet
