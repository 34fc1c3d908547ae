// Operators on lines of a tensor: Hardmax, LpNormalization, MeanVarianceNormalization.
#include <cmath>

#include "ops/numbers.h"

namespace octet {
namespace {
void infer_floats(InferContext& ctx) {
  if (!is_float(ctx.dtype(0))) ctx.unsupported("elements of type ", dtype_name(ctx.dtype(0)));
  ctx.pass_through();
}

// Before operator set 13 the axes from `axis` on are one line.
std::vector<Tensor> hardmax(const NodeContext& ctx) {
  const Shape& shape = ctx.shape(0);
  const bool flattens = ctx.opset() < 13;
  const size_t axis =
      ctx.normalize_axis(ctx.attributes().get_int("axis", flattens ? 1 : -1), shape.rank());
  AxisView view = view_axis(shape, axis);
  if (flattens) view = {view.outer, view.size * view.inner, 1};
  std::vector<double> x = *ctx.float_values(0);
  for (size_t line = 0; view.size && line < view.lines(); ++line) {
    double* first = x.data() + view.line(line);
    size_t best = 0;
    for (size_t k = 1; k < view.size; ++k)
      if (first[k * view.inner] > first[best * view.inner]) best = k;
    for (size_t k = 0; k < view.size; ++k) first[k * view.inner] = k == best;
  }
  return {make_tensor(ctx, ctx.dtype(0), shape, x)};
}

std::vector<Tensor> lp_normalization(const NodeContext& ctx) {
  const int64_t p = ctx.attributes().get_int("p", 2);
  if (p != 1 && p != 2) ctx.fail("p must be 1 or 2, not ", p);
  const Shape& shape = ctx.shape(0);
  const AxisView view =
      view_axis(shape, ctx.normalize_axis(ctx.attributes().get_int("axis", -1), shape.rank()));
  std::vector<double> x = *ctx.float_values(0);
  for (size_t line = 0; line < view.lines(); ++line) {
    double* first = x.data() + view.line(line);
    double norm = 0;
    for (size_t k = 0; k < view.size; ++k) {
      const double element = first[k * view.inner];
      norm += p == 1 ? std::abs(element) : element * element;
    }
    if (p == 2) norm = std::sqrt(norm);
    if (norm == 0) continue; // zeros stay zeros
    for (size_t k = 0; k < view.size; ++k) first[k * view.inner] /= norm;
  }
  return {make_tensor(ctx, ctx.dtype(0), shape, x)};
}

// (x − mean) / (standard deviation + 1e-9) over the axes, those of N, H and W when none are given.
std::vector<Tensor> mean_variance_normalization(const NodeContext& ctx) {
  const Shape& shape = ctx.shape(0);
  Shape kept = shape;
  for (const int64_t axis : ctx.attributes().get_ints("axes", {0, 2, 3}))
    kept[ctx.normalize_axis(axis, shape.rank())] = 1;
  auto strides = dense_strides(kept);
  for (size_t i = 0; i < shape.rank(); ++i)
    if (kept[i] != shape[i]) strides[i] = 0;
  std::vector<double> x = *ctx.float_values(0), sums(kept.elements()), squares(sums.size());
  const double count = sums.empty() ? 1 : static_cast<double>(x.size() / sums.size());
  walk(shape, strides, [&](size_t i, size_t group) { sums[group] += x[i]; });
  walk(shape, strides, [&](size_t i, size_t group) {
    x[i] -= sums[group] / count;
    squares[group] += x[i] * x[i];
  });
  walk(shape, strides,
       [&](size_t i, size_t group) { x[i] /= std::sqrt(squares[group] / count) + 1e-9; });
  return {make_tensor(ctx, ctx.dtype(0), shape, x)};
}
} // namespace

extern const OpDef op_hardmax{.infer = infer_floats, .compute = hardmax};
extern const OpDef op_lp_normalization{.infer = infer_floats, .compute = lp_normalization};
extern const OpDef op_mean_variance_normalization{.infer = infer_floats,
                                                  .compute = mean_variance_normalization};

} // namespace octet
