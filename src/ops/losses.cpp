// Losses of classification: NegativeLogLikelihoodLoss on log-probabilities and
// SoftmaxCrossEntropyLoss on scores, both of shape [N, C, d…] with classes of shape [N, d…].
#include <cmath>

#include "ops/numbers.h"

namespace octet {
namespace {
enum class Reduce : uint8_t { None, Sum, Mean };

Reduce reduction_of(const NodeContext& ctx) {
  const std::string name = ctx.attributes().get_string("reduction", "mean");
  if (name == "none") return Reduce::None;
  if (name == "sum") return Reduce::Sum;
  if (name != "mean") ctx.fail("reduction must be none, sum or mean, not '", name, "'");
  return Reduce::Mean;
}

// The shape of the losses before they are reduced. Throws when operands do not go together.
const Shape& checked_shape(const NodeContext& ctx) {
  const Shape &scores = ctx.shape(0), &classes = ctx.shape(1);
  if (scores.rank() < 2) ctx.fail("scores of shape ", to_string(scores), " have no classes");
  Shape expected{scores[0]};
  for (size_t i = 2; i < scores.rank(); ++i) expected.push_back(scores[i]);
  if (classes != expected)
    ctx.fail("classes of shape ", to_string(classes), " do not go with scores of shape ",
             to_string(scores));
  if (ctx.has_input(2) && ctx.shape(2) != Shape{scores[1]})
    ctx.fail("weights of shape ", to_string(ctx.shape(2)), " for ", scores[1], " classes");
  return classes;
}

void infer_loss(InferContext& ctx) {
  const Shape& shape = checked_shape(ctx);
  ctx.set_output(0, ctx.dtype(0), reduction_of(ctx) == Reduce::None ? shape : Shape{});
  ctx.set_output(1, ctx.dtype(0), ctx.shape(0));
}

// log(softmax) of each line.
void log_softmax(std::vector<double>& x, const AxisView& view) {
  for (size_t line = 0; line < view.lines(); ++line) {
    double* first = x.data() + view.line(line);
    double largest = -INFINITY, sum = 0;
    for (size_t c = 0; c < view.size; ++c) largest = std::max(largest, first[c * view.inner]);
    for (size_t c = 0; c < view.size; ++c) sum += std::exp(first[c * view.inner] - largest);
    for (size_t c = 0; c < view.size; ++c) first[c * view.inner] -= largest + std::log(sum);
  }
}

template <bool takes_scores>
std::vector<Tensor> compute_loss(const NodeContext& ctx) {
  const Shape& shape = checked_shape(ctx);
  const AxisView view = view_axis(ctx.shape(0), 1);
  std::vector<double> log_probabilities = *ctx.float_values(0);
  if (takes_scores) log_softmax(log_probabilities, view);
  const auto classes = *ctx.int_values(1);
  const auto weights = ctx.has_input(2) ? *ctx.float_values(2) : std::vector<double>(view.size, 1);
  const bool ignores = ctx.attributes().has("ignore_index");
  const int64_t ignored = ctx.attributes().get_int("ignore_index", 0);
  std::vector<double> losses(classes.size());
  double sum = 0, weight_sum = 0;
  for (size_t i = 0; i < losses.size(); ++i) {
    if (ignores && classes[i] == ignored) continue;
    if (classes[i] < 0 || classes[i] >= static_cast<int64_t>(view.size))
      fail(ErrorCode::InvalidInput, ctx.describe_node(), ": class ", classes[i], " of ", view.size);
    const auto c = static_cast<size_t>(classes[i]);
    losses[i] = -weights[c] * log_probabilities[view.line(i) + c * view.inner];
    sum += losses[i];
    weight_sum += weights[c];
  }
  const Reduce reduce = reduction_of(ctx);
  if (reduce != Reduce::None) losses = {reduce == Reduce::Mean ? sum / weight_sum : sum};
  std::vector<Tensor> out = {
      make_tensor(ctx, ctx.dtype(0), reduce == Reduce::None ? shape : Shape{}, losses)};
  if (takes_scores && ctx.node().outputs.size() > 1)
    out.push_back(make_tensor(ctx, ctx.dtype(0), ctx.shape(0), log_probabilities));
  return out;
}
} // namespace

extern const OpDef op_negative_log_likelihood_loss{.infer = infer_loss,
                                                   .compute = compute_loss<false>};
extern const OpDef op_softmax_cross_entropy_loss{.infer = infer_loss,
                                                 .compute = compute_loss<true>};

} // namespace octet
