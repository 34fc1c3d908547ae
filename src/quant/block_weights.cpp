#include "quant/block_weights.h"

#include <algorithm>
#include <cmath>

namespace octet {
std::vector<size_t> BlockLayout::columns_of(size_t index) const {
  std::vector<size_t> out;
  const size_t begin = index / spread * block, end = std::min(begin + block, length);
  for (size_t i = begin; i < end; ++i) out.push_back(i * spread + index % spread);
  return out;
}

double BlockWeights::sqnr_db() const {
  return noise > 0 ? 10 * std::log10(signal / noise) : static_cast<double>(INFINITY);
}

BlockWeights make_block_weights(const WeightMatrix& matrix) {
  const size_t blocks = matrix.rows * matrix.blocks.count();
  return {.codes = std::vector<uint8_t>(matrix.rows * matrix.blocks.columns()),
          .scales = std::vector<float>(blocks),
          .zeros = std::vector<uint8_t>(blocks)};
}

void round_rows(const WeightMatrix& matrix, const RangeRule& rule, size_t begin, size_t end,
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
