// What derivatives need beside ONNX's operators (passes/expand_gradient): SumTo, which undoes
// broadcasting, and OnesLike.
#include "ops/numbers.h"

namespace octet {
namespace {
// SumTo(x, like): x summed over the axes along which `like` was repeated to x's shape.
void infer_sum_to(InferContext& ctx) {
  if (broadcast_shapes(ctx.shape(1), ctx.shape(0)) != ctx.shape(0))
    ctx.fail("shape ", to_string(ctx.shape(1)), " does not broadcast to ", to_string(ctx.shape(0)));
  ctx.set_output(0, ctx.dtype(0), ctx.shape(1));
}

std::vector<Tensor> sum_to(const NodeContext& ctx) {
  const Shape &from = ctx.shape(0), &to = ctx.shape(1);
  if (from == to) return {ctx.value(0)};
  const auto dense = dense_strides(to);
  std::vector<ptrdiff_t> strides(from.rank());
  const size_t added = from.rank() - to.rank();
  for (size_t i = 0; i < to.rank(); ++i) strides[added + i] = to[i] == 1 ? 0 : dense[i];
  const auto x = *ctx.float_values(0);
  std::vector<double> out(to.elements());
  walk(from, strides, [&](size_t i, size_t at) { out[at] += x[i]; });
  return {make_tensor(ctx, ctx.dtype(0), to, out)};
}

void infer_ones_like(InferContext& ctx) {
  ctx.pass_through();
}

std::vector<Tensor> ones_like(const NodeContext& ctx) {
  return {make_tensor(ctx, ctx.dtype(0), ctx.shape(0),
                      std::vector<double>(ctx.shape(0).elements(), 1))};
}
} // namespace

extern const OpDef op_sum_to{.infer = infer_sum_to, .compute = sum_to};
extern const OpDef op_ones_like{.infer = infer_ones_like, .compute = ones_like};
// Exists until it is expanded.
extern const OpDef op_gradient{};

} // namespace octet
