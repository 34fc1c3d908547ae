// Softmax and LogSoftmax. Before opset 13 the tensor is taken as a matrix whose rows begin at
// `axis` (1 by default); since, `axis` (−1 by default) is the one that is normalized.
#include "kernels/softmax/softmax.h"
#include "ops/element.h"
#include "ops/elementwise.h"

namespace octet {
namespace {
kernels::AxisShape softmax_shape(const NodeContext& ctx) {
  const Shape& x = ctx.shape(0);
  const bool as_matrix = ctx.opset() < 13;
  const int64_t given = ctx.attributes().get_int("axis", as_matrix ? 1 : -1);
  if (as_matrix && given == static_cast<int64_t>(x.rank())) return {.outer = x.elements()};
  const size_t axis = ctx.normalize_axis(given, x.rank());
  const size_t end = as_matrix ? x.rank() : axis + 1;
  return {.outer = x.elements(0, axis),
          .axis = x.elements(axis, end),
          .inner = x.elements(end, x.rank())};
}

void infer_softmax(InferContext& ctx) {
  softmax_shape(ctx);
  ctx.pass_through();
}

template <kernels::SoftmaxFn* function>
Kernel prepare_softmax(PrepareContext& ctx) {
  if (ctx.dtype(0) != DType::Float32) ctx.unsupported("data of type ", dtype_name(ctx.dtype(0)));
  if (ctx.shape(0).elements() == 0) return do_nothing();
  return [shape = softmax_shape(ctx)](const RunContext& run) {
    const size_t row = shape.axis * shape.inner;
    run.workers.split(shape.outer, 1, row * kFunctionCost, [&](size_t begin, size_t end, size_t) {
      kernels::AxisShape part = shape;
      part.outer = end - begin;
      function({part, run.input<float>(0) + begin * row, run.output<float>(0) + begin * row});
    });
  };
}
} // namespace

extern const OpDef op_softmax{.infer = infer_softmax,
                              .prepare = prepare_softmax<kernels::softmax_f32>,
                              .aliasing = Aliasing::InPlace,
                              .float32 = true};
extern const OpDef op_log_softmax{.infer = infer_softmax,
                                  .prepare = prepare_softmax<kernels::log_softmax_f32>,
                                  .aliasing = Aliasing::InPlace,
                                  .float32 = true};

} // namespace octet
