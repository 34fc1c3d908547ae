// What can be told about many floats at once, for those who watch values instead of computing them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/rounding/rounding.h"

namespace octet {

struct ValueExtremes {
  float min = 0, max = 0; // min ≤ 0 ≤ max
};

bool all_finite(std::span<const float> values);

// Of finite values and 0.
ValueExtremes extremes_of(std::span<const float> values);

// Adds to counts[floor(x / 2^exponent) − first] for each of the values, which must have such a
// place. `exponent` from −126 to 126.
void count_in_bins(std::span<const float> values, int exponent, int64_t first,
                   std::vector<uint64_t>& counts);

using kernels::RoundingLoss;

// Rounds finite values to codes between `min` and `max`, a byte each, and adds to the sums. There
// is one scale and zero point, or one of each for every value.
void round_to_codes(std::span<const float> values, std::span<const float> scales,
                    std::span<const int32_t> zero_points, int32_t min, int32_t max, uint8_t* codes,
                    RoundingLoss& loss);

} // namespace octet
