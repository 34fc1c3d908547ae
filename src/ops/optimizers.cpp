// One step of an optimizer: Adagrad, Adam, Momentum (ai.onnx.preview.training). The inputs are the
// learning rate, the count of updates and, group by group, the optimized tensors, their gradients
// and what the optimizer keeps of each; the outputs the new tensors and what is kept.
#include <cmath>

#include "ops/numbers.h"

namespace octet {
namespace {
// Numbers of one element, in the order of the groups: tensor, gradient, state…
constexpr size_t kMaxGroups = 4;
using Element = std::array<double, kMaxGroups>;

// How many tensors each of the groups has; throws unless the groups are alike.
size_t group_size(const NodeContext& ctx, size_t groups) {
  const size_t count = ctx.input_count() - 2, size = count / groups;
  if (ctx.input_count() < 2 + groups || count % groups != 0)
    ctx.fail(ctx.input_count(), " inputs do not make up a rate, a count and ", groups, " groups");
  for (size_t i = 2 + size; i < ctx.input_count(); ++i)
    if (const size_t first = 2 + (i - 2) % size;
        ctx.shape(i) != ctx.shape(first) || ctx.dtype(i) != ctx.dtype(first))
      ctx.fail("input ", i, " is not like input ", first);
  return size;
}

template <size_t groups>
void infer_step(InferContext& ctx) {
  const size_t size = group_size(ctx, groups);
  for (size_t g = 0, out = 0; g < groups; ++g)
    for (size_t i = 0; i < size && g != 1; ++i, ++out)
      ctx.set_output(out, ctx.dtype(2 + i), ctx.shape(2 + i));
}

// `update(element)` turns an element's numbers into the new ones; the gradient is regularized.
template <size_t groups, class F>
std::vector<Tensor> step(const NodeContext& ctx, F&& update) {
  const size_t size = group_size(ctx, groups), states = groups - 1;
  const double decay = ctx.attributes().get_float("norm_coefficient", 0);
  std::vector<Tensor> out(size * states);
  for (size_t i = 0; i < size; ++i) {
    std::array<std::vector<double>, groups> values;
    for (size_t g = 0; g < groups; ++g) values[g] = *ctx.float_values(2 + g * size + i);
    for (size_t k = 0; k < values[0].size(); ++k) {
      Element element{};
      for (size_t g = 0; g < groups; ++g) element[g] = values[g][k];
      element[1] += decay * element[0];
      update(element);
      for (size_t g = 0; g < groups; ++g) values[g][k] = element[g];
    }
    for (size_t g = 0, to = i; g < groups; ++g) {
      if (g == 1) continue;
      out[to] = make_tensor(ctx, ctx.dtype(2 + i), ctx.shape(2 + i), values[g]);
      to += size;
    }
  }
  out.resize(ctx.node().outputs.size());
  return out;
}

std::vector<Tensor> adagrad(const NodeContext& ctx) {
  const Attributes& attributes = ctx.attributes();
  const double epsilon = attributes.get_float("epsilon", 0);
  const double rate =
      number_of(ctx, 0, 0) / (1 + number_of(ctx, 1, 0) * attributes.get_float("decay_factor", 0));
  return step<3>(ctx, [&](Element& e) {
    auto& [x, gradient, squares, unused] = e;
    squares += gradient * gradient;
    x -= rate * gradient / (std::sqrt(squares) + epsilon);
  });
}

std::vector<Tensor> adam(const NodeContext& ctx) {
  const Attributes& attributes = ctx.attributes();
  const double alpha = attributes.get_float("alpha", 0.9f);
  const double beta = attributes.get_float("beta", 0.999f);
  const double epsilon = attributes.get_float("epsilon", 0);
  const double shrink = 1 - attributes.get_float("norm_coefficient_post", 0);
  const double count = number_of(ctx, 1, 0);
  double rate = number_of(ctx, 0, 0);
  if (count > 0) rate *= std::sqrt(1 - std::pow(beta, count)) / (1 - std::pow(alpha, count));
  return step<4>(ctx, [&](Element& e) {
    auto& [x, gradient, mean, squares] = e;
    mean = alpha * mean + (1 - alpha) * gradient;
    squares = beta * squares + (1 - beta) * gradient * gradient;
    x = shrink * (x - rate * mean / (std::sqrt(squares) + epsilon));
  });
}

std::vector<Tensor> momentum(const NodeContext& ctx) {
  const Attributes& attributes = ctx.attributes();
  const std::string mode = attributes.get_string("mode", "");
  if (mode != "standard" && mode != "nesterov")
    ctx.fail("mode must be standard or nesterov, not '", mode, "'");
  const double alpha = attributes.get_float("alpha", 0), rate = number_of(ctx, 0, 0);
  const double beta = number_of(ctx, 1, 0) > 0 ? attributes.get_float("beta", 1) : 1;
  const bool looks_ahead = mode == "nesterov";
  return step<3>(ctx, [&](Element& e) {
    auto& [x, gradient, velocity, unused] = e;
    velocity = alpha * velocity + beta * gradient;
    x -= rate * (looks_ahead ? gradient + alpha * velocity : velocity);
  });
}
} // namespace

extern const OpDef op_adagrad{.infer = infer_step<3>, .compute = adagrad};
extern const OpDef op_adam{.infer = infer_step<4>, .compute = adam};
extern const OpDef op_momentum{.infer = infer_step<3>, .compute = momentum};

} // namespace octet
