// What of a tensor's values its codes reach: the report's clipping range and the share beyond it.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "ops/statistics.h"
#include "quant/arithmetic.h"

namespace octet {

struct ClipRange {
  // The smallest and the largest number that a code stands for, over all channels or blocks.
  float min = 0, max = 0;
  // Of the values: those beyond what the codes of their own channel or block reach.
  double share = 0;
};

// Adds up what channels or blocks clip.
class ClipCounter {
public:
  explicit ClipCounter(QuantRange codes) : codes_(codes) {}

  void add_params(ScaleAndZero params) {
    min_ = std::min(min_, dequantize_value(codes_.min, params));
    max_ = std::max(max_, dequantize_value(codes_.max, params));
  }
  void add_values(size_t clipped, size_t count) {
    clipped_ += clipped;
    count_ += count;
  }
  // Whether the nearest code is further away than rounding takes it.
  [[gnu::always_inline]] static bool is_clipped(double error, float scale) {
    return std::abs(error) > kernels::kMostRoundingError * double{scale};
  }
  ClipRange result() const {
    const double count = static_cast<double>(std::max<size_t>(count_, 1));
    return {min_, max_, static_cast<double>(clipped_) / count};
  }

private:
  QuantRange codes_;
  float min_ = 0, max_ = 0;
  size_t clipped_ = 0, count_ = 0;
};

} // namespace octet
