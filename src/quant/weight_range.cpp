#include "quant/weight_range.h"

#include <algorithm>
#include <cfloat>

#include "base/error.h"

namespace octet {
namespace {
constexpr size_t kShrinks = 24;

ObservedRange shrunk(ObservedRange range, size_t times) {
  const float factor = 1 - 0.025f * static_cast<float>(times);
  return {range.min * factor, range.max * factor};
}
} // namespace

RangeRule::RangeRule(std::string_view method, DType type, bool symmetric, bool reduced)
    : type_(type), symmetric_(symmetric), reduced_(reduced),
      codes_(quant_range(type, symmetric, reduced)) {
  if (method == "minmax")
    method_ = Method::MinMax;
  else if (method == "mean")
    method_ = Method::Mean;
  else if (method == "mse")
    method_ = Method::Mse;
  else
    fail(ErrorCode::InvalidOption, "weights.method: '", method,
         "'; minmax, mean or mse expected, weight-only also gptq, static also adaround");
}

ScaleAndZero RangeRule::within(ObservedRange range) const {
  return choose_quant_params(range.min, range.max, type_, symmetric_, reduced_);
}

size_t RangeRule::passes() const {
  if (method_ == Method::MinMax) return 0;
  return method_ == Method::Mean ? 1 : kShrinks;
}

void RangeRule::begin_pass(RangeSearch& search, size_t pass) const {
  search.sum = 0;
  if (method_ == Method::Mse) search.candidate = within(shrunk(search.full, pass));
}

void RangeRule::end_pass(RangeSearch& search, size_t pass) const {
  if (method_ == Method::Mean) {
    const double half = (codes_.max - codes_.min) / 2.0;
    const double mean = search.sum / static_cast<double>(std::max<size_t>(search.count, 1));
    const auto limit = static_cast<float>(2 * mean * std::sqrt(half));
    search.chosen = {std::max(search.full.min, -limit), std::min(search.full.max, limit)};
  } else if (search.sum < search.least) {
    search.least = search.sum;
    search.chosen = shrunk(search.full, pass);
  }
}

ObservedRange RangeRule::range(std::span<const float> weights) const {
  RangeSearch search{.count = weights.size()};
  for (const float w : weights) {
    if (!(std::abs(w) <= FLT_MAX)) fail(ErrorCode::InvalidInput, "a weight is not finite");
    search.full = {std::min(search.full.min, w), std::max(search.full.max, w)};
  }
  search.chosen = search.full;
  for (size_t pass = 0; pass < passes(); ++pass) {
    begin_pass(search, pass);
    for (const float w : weights) add(search, w);
    end_pass(search, pass);
  }
  return search.chosen;
}

std::string range_method(const WeightOptions& options) {
  if (options.method == "gptq") return "mse";
  return options.method == "adaround" ? "minmax" : options.method;
}

} // namespace octet
