#include "ops/ml_scores.h"

#include <algorithm>
#include <cmath>

namespace octet {
namespace {
constexpr std::string_view kTransforms[] = {"NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO",
                                            "PROBIT"};

double logistic(double x) {
  return 1 / (1 + std::exp(-x));
}

// √2 · erf⁻¹(2x − 1), by Winitzki's approximation, which onnxruntime takes too.
double probit(double x) {
  const double y = 2 * x - 1, log = std::log((1 - y) * (1 + y));
  const double a = 2 / (3.14159265358979 * 0.147) + 0.5 * log;
  const double root = std::sqrt(std::sqrt(a * a - log / 0.147) - a);
  return 1.41421356 * (y < 0 ? -root : root);
}

// A score of zero stays zero with `keeps_zeros`.
void softmax(std::vector<double>& x, bool keeps_zeros) {
  const double largest = *std::max_element(x.begin(), x.end());
  double sum = 0;
  for (double& value : x) {
    const bool is_zero = keeps_zeros && std::abs(value) <= 1e-7;
    value = is_zero ? value * std::exp(-largest) : std::exp(value - largest);
    sum += value;
  }
  for (double& value : x) value = sum == 0 ? 0.5 : value / sum;
}
} // namespace

PostTransform post_transform_of(const NodeContext& ctx) {
  const AttributeValue* given = ctx.attributes().find("post_transform");
  if (!given) return PostTransform::None;
  if (const int64_t* number = std::get_if<int64_t>(given)) {
    if (*number >= 0 && *number < static_cast<int64_t>(std::size(kTransforms)))
      return static_cast<PostTransform>(*number);
    ctx.fail("post_transform is ", *number);
  }
  const std::string name = ctx.attributes().get_string("post_transform", "");
  const auto* found = std::find(std::begin(kTransforms), std::end(kTransforms), name);
  if (found == std::end(kTransforms)) ctx.fail("post_transform is '", name, "'");
  return static_cast<PostTransform>(found - std::begin(kTransforms));
}

void finish_scores(std::vector<double>& scores, PostTransform transform, SecondClass second) {
  if (scores.size() == 1) {
    const double score = scores[0];
    if (transform == PostTransform::Probit) {
      scores[0] = probit(score);
      return;
    }
    if (second == SecondClass::None) return;
    if (second == SecondClass::Complement && transform != PostTransform::Logistic) {
      scores = {1 - score, score};
      return;
    }
    scores = {-score, score};
  }
  switch (transform) {
  case PostTransform::None:
    return;
  case PostTransform::Softmax:
  case PostTransform::SoftmaxZero:
    return softmax(scores, transform == PostTransform::SoftmaxZero);
  case PostTransform::Logistic:
    std::transform(scores.begin(), scores.end(), scores.begin(), logistic);
    return;
  case PostTransform::Probit:
    std::transform(scores.begin(), scores.end(), scores.begin(), probit);
    return;
  }
}

ClassLabels::ClassLabels(const NodeContext& ctx, std::string_view numbers, std::string_view strings)
    : numbers_(ctx.attributes().get_ints(numbers)),
      strings_(ctx.attributes().get_strings(strings)) {
  if (numbers_.empty() == strings_.empty())
    ctx.fail("either ", numbers, " or ", strings, " must be given");
}

int64_t ClassLabels::number(size_t index) const {
  if (numbers_.size() > 1) return numbers_[index];
  return index == 0 ? 0 : numbers_[0];
}

Tensor ClassLabels::pick(const std::vector<size_t>& classes) const {
  const Shape shape{static_cast<int64_t>(classes.size())};
  if (!are_strings()) {
    std::vector<int64_t> out;
    for (const size_t index : classes) out.push_back(number(index));
    return Tensor::of<int64_t>(shape, out);
  }
  std::vector<std::string> out;
  for (const size_t index : classes)
    out.push_back(strings_.size() > 1 ? strings_[index] : index == 0 ? "" : strings_[0]);
  return Tensor(shape, std::move(out));
}

Rows rows_of(const NodeContext& ctx) {
  const Shape& x = ctx.shape(0);
  if (x.rank() == 1) return {1, x[0]};
  if (x.rank() != 2) ctx.fail("rows of features expected, not ", to_string(x));
  return {x[0], x[1]};
}

} // namespace octet
