#include "quant/block_weights.h"

#include <algorithm>
#include <cfloat>
#include <cmath>

#include "base/error.h"

namespace octet {
namespace {
double squared_error(std::span<const float> block, ScaleAndZero params, QuantRange codes) {
  double sum = 0;
  for (const float w : block) {
    const double error = w - dequantize_value(quantize_value(w, params, codes), params);
    sum += error * error;
  }
  return sum;
}
} // namespace

std::vector<size_t> BlockLayout::columns_of(size_t index) const {
  std::vector<size_t> out;
  const size_t begin = index / spread * block, end = std::min(begin + block, length);
  for (size_t i = begin; i < end; ++i) out.push_back(i * spread + index % spread);
  return out;
}

BlockRule::BlockRule(std::string_view method, DType type, bool symmetric)
    : type_(type), symmetric_(symmetric), codes_(quant_range(type, symmetric)) {
  if (method == "minmax")
    method_ = Method::MinMax;
  else if (method == "mean")
    method_ = Method::Mean;
  else if (method == "mse")
    method_ = Method::Mse;
  else
    fail(ErrorCode::InvalidOption, "weights.method: '", method,
         "'; minmax, mean, mse or gptq expected");
}

ScaleAndZero BlockRule::within(float min, float max) const {
  return choose_quant_params(min, max, type_, symmetric_);
}

ScaleAndZero BlockRule::least_error(std::span<const float> block, float min, float max) const {
  constexpr int kSteps = 24;
  constexpr float kStep = 0.025f;
  ScaleAndZero best = within(min, max);
  double least = squared_error(block, best, codes_);
  for (int i = 1; i < kSteps; ++i) {
    const float factor = 1 - kStep * static_cast<float>(i);
    const ScaleAndZero candidate = within(min * factor, max * factor);
    const double error = squared_error(block, candidate, codes_);
    if (error < least) {
      least = error;
      best = candidate;
    }
  }
  return best;
}

ScaleAndZero BlockRule::params(std::span<const float> block) const {
  float min = 0, max = 0;
  double magnitude = 0;
  for (const float w : block) {
    if (!(std::abs(w) <= FLT_MAX)) fail(ErrorCode::InvalidInput, "a weight is not finite");
    min = std::min(min, w);
    max = std::max(max, w);
    magnitude += std::abs(w);
  }
  if (method_ == Method::Mse) return least_error(block, min, max);
  if (method_ == Method::Mean && !block.empty()) {
    const double half = (codes_.max - codes_.min) / 2.0;
    const auto limit =
        static_cast<float>(2 * magnitude / static_cast<double>(block.size()) * std::sqrt(half));
    return within(std::max(min, -limit), std::min(max, limit));
  }
  return within(min, max);
}

BlockWeights make_block_weights(const WeightMatrix& matrix) {
  const size_t blocks = matrix.rows * matrix.blocks.count();
  return {.codes = std::vector<uint8_t>(matrix.rows * matrix.blocks.columns()),
          .scales = std::vector<float>(blocks),
          .zeros = std::vector<uint8_t>(blocks)};
}

void round_rows(const WeightMatrix& matrix, const BlockRule& rule, size_t begin, size_t end,
                BlockWeights& out) {
  const size_t columns = matrix.blocks.columns(), blocks = matrix.blocks.count();
  std::vector<float> values;
  for (size_t b = 0; b < blocks; ++b) {
    const std::vector<size_t> members = matrix.blocks.columns_of(b);
    values.resize(members.size());
    for (size_t row = begin; row < end; ++row) {
      for (size_t i = 0; i < members.size(); ++i) values[i] = matrix.at(row, members[i]);
      const ScaleAndZero params = rule.params(values);
      out.scales[row * blocks + b] = params.scale;
      out.zeros[row * blocks + b] = static_cast<uint8_t>(params.zero_point);
      for (size_t i = 0; i < members.size(); ++i) {
        const int32_t code = quantize_value(values[i], params, rule.codes());
        out.codes[row * columns + members[i]] = static_cast<uint8_t>(code);
        const double w = values[i], error = w - dequantize_value(code, params);
        out.signal += w * w;
        out.noise += error * error;
      }
    }
  }
}

} // namespace octet
