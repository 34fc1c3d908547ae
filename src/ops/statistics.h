// What can be told about many floats at once, for those who watch values instead of computing them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "kernels/rounding/rounding.h"

namespace octet {

struct ValueExtremes {
  float min = 0, max = 0; // min ≤ 0 ≤ max
};

// Of the values and 0; nothing when one of them is not finite.
std::optional<ValueExtremes> finite_extremes(std::span<const float> values);

ValueExtremes merge(ValueExtremes a, ValueExtremes b);

// Counts values in `bins` bins: in that of number floor(x / 2^exponent) − first, which must be
// there for each of them. `exponent` from −126 to 126.
class BinCounter {
public:
  BinCounter(int exponent, int64_t first, size_t bins);

  // Fewer than 2^32 altogether, and not many at once, for the sake of WebAssembly engines
  // (base/pieces.h).
  void count(std::span<const float> values);
  // One element for each bin.
  void add_to(std::span<uint64_t> counts) const;

private:
  int exponent_;
  int32_t first_;
  size_t bins_;
  std::unique_ptr<uint32_t[]> tables_;
};

using kernels::RoundingLoss;

// Rounds finite values to codes between `min` and `max`, a byte each, and adds to the sums. There
// is one scale and zero point, or one of each for every value.
void round_to_codes(std::span<const float> values, std::span<const float> scales,
                    std::span<const int32_t> zero_points, int32_t min, int32_t max, uint8_t* codes,
                    RoundingLoss& loss);

} // namespace octet
