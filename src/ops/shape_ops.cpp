// Operators that read only the shape of their operand, or give its bytes another shape.
#include <algorithm>

#include "ops/element.h"
#include "ops/op_def.h"

namespace octet {
namespace {
// ONNX Shape: `start` and `end` (since opset 15) are clamped to [0, rank].
void infer_shape(InferContext& ctx) {
  const Shape& shape = ctx.shape(0);
  const auto rank = static_cast<int64_t>(shape.rank());
  const auto clamp = [&](int64_t i) { return std::clamp<int64_t>(i < 0 ? i + rank : i, 0, rank); };
  const int64_t start = clamp(ctx.attributes().get_int("start", 0));
  const int64_t end = std::max(start, clamp(ctx.attributes().get_int("end", rank)));
  ctx.set_output_value(
      0, Tensor::of_dims({shape.dims().data() + start, static_cast<size_t>(end - start)}));
}

void infer_size(InferContext& ctx) {
  ctx.set_output_value(0, Tensor::scalar(static_cast<int64_t>(ctx.shape(0).elements())));
}

void infer_identity(InferContext& ctx) {
  ctx.pass_through();
}

std::vector<Tensor> compute_identity(const NodeContext& ctx) {
  return {ctx.has_input(0) ? ctx.value(0) : Tensor()};
}

// A dimension of 0 copies the input's (unless `allowzero`), one of −1 takes what is left.
void infer_reshape(InferContext& ctx) {
  const auto dims = ctx.int_values(1);
  if (!dims) return ctx.set_output_dtype(0, ctx.dtype(0));
  const Shape& from = ctx.shape(0);
  const bool allow_zero = ctx.attributes().get_int("allowzero", 0) != 0;
  Shape to(*dims);
  std::optional<size_t> open;
  for (size_t i = 0; i < to.rank(); ++i) {
    if (to[i] == 0 && !allow_zero) {
      if (i >= from.rank()) ctx.fail("dimension ", i, " of ", to_string(from), " is not there");
      to[i] = from[i];
    } else if (to[i] == -1) {
      if (open) ctx.fail("shape has more than one -1");
      open = i;
    }
  }
  if (open) {
    to[*open] = 1;
    const size_t rest = to.elements(), all = from.elements();
    if (rest == 0 ? all != 0 : all % rest != 0)
      ctx.fail("cannot reshape ", to_string(from), " to ", to_string(Shape(*dims)));
    to[*open] = rest == 0 ? 0 : static_cast<int64_t>(all / rest);
  }
  if (to.elements() != from.elements())
    ctx.fail("cannot reshape ", to_string(from), " to ", to_string(Shape(*dims)));
  ctx.set_output(0, ctx.dtype(0), std::move(to));
}

void infer_flatten(InferContext& ctx) {
  const Shape& shape = ctx.shape(0);
  const int64_t given = ctx.attributes().get_int("axis", 1);
  const auto rank = static_cast<int64_t>(shape.rank());
  if (given < -rank || given > rank) ctx.fail("axis ", given, " is outside of rank ", rank);
  const auto axis = static_cast<size_t>(given < 0 ? given + rank : given);
  ctx.set_output(0, ctx.dtype(0),
                 {static_cast<int64_t>(shape.elements(0, axis)),
                  static_cast<int64_t>(shape.elements(axis, shape.rank()))});
}

// Which of `rank` axes are listed; each at most once.
std::vector<bool> mark_axes(const NodeContext& ctx, std::span<const int64_t> axes, size_t rank) {
  std::vector<bool> marked(rank);
  for (int64_t given : axes) {
    const size_t axis = ctx.normalize_axis(given, rank);
    if (marked[axis]) ctx.fail("axis ", given, " is listed twice");
    marked[axis] = true;
  }
  return marked;
}

void infer_squeeze(InferContext& ctx) {
  const auto axes = ctx.int_operand(1, "axes");
  if (!axes) return ctx.set_output_dtype(0, ctx.dtype(0));
  const bool all_ones = !ctx.has_input(1) && !ctx.attributes().has("axes");
  const Shape& shape = ctx.shape(0);
  const auto marked = mark_axes(ctx, *axes, shape.rank());
  Shape out;
  for (size_t i = 0; i < shape.rank(); ++i) {
    if (marked[i] && shape[i] != 1) ctx.fail("axis ", i, " of ", to_string(shape), " is not 1");
    if (!marked[i] && !(all_ones && shape[i] == 1)) out.push_back(shape[i]);
  }
  ctx.set_output(0, ctx.dtype(0), std::move(out));
}

void infer_unsqueeze(InferContext& ctx) {
  const auto axes = ctx.int_operand(1, "axes");
  if (!axes) return ctx.set_output_dtype(0, ctx.dtype(0));
  const Shape& shape = ctx.shape(0);
  const auto marked = mark_axes(ctx, *axes, shape.rank() + axes->size());
  Shape out;
  auto next = shape.begin();
  for (bool inserted : marked) out.push_back(inserted ? 1 : *next++);
  ctx.set_output(0, ctx.dtype(0), std::move(out));
}

} // namespace

extern const OpDef op_shape{.infer = infer_shape};
extern const OpDef op_size{.infer = infer_size};
extern const OpDef op_identity{.infer = infer_identity,
                               .compute = compute_identity,
                               .aliasing = Aliasing::View,
                               .layout = LayoutRule::Elementwise};
extern const OpDef op_reshape{.infer = infer_reshape, .aliasing = Aliasing::View};
extern const OpDef op_flatten{.infer = infer_flatten, .aliasing = Aliasing::View};
extern const OpDef op_squeeze{.infer = infer_squeeze, .aliasing = Aliasing::View};
extern const OpDef op_unsqueeze{.infer = infer_unsqueeze, .aliasing = Aliasing::View};

} // namespace octet
