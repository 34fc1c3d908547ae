#include "ops/statistics.h"

#include <algorithm>
#include <cmath>

#include "base/pieces.h"
#include "kernels/convert/convert.h"
#include "kernels/histogram/histogram.h"
#include "kernels/reduce/reduce.h"

namespace octet {

bool all_finite(std::span<const float> values) {
  // What is infinite or not a number leaves no sum finite; a sum of finite values may overflow.
  float sum = 0;
  in_pieces(values.size(), [&, from = values.data()](size_t begin, size_t end) {
    kernels::reduce_f32(kernels::Reduction::sum, {.axis = end - begin}, from + begin, &sum);
  });
  return std::isfinite(sum) ||
         std::all_of(values.begin(), values.end(), [](float x) { return std::isfinite(x); });
}

ValueExtremes extremes_of(std::span<const float> values) {
  kernels::ValueRange range;
  in_pieces(values.size(), [&, from = values.data()](size_t begin, size_t end) {
    range = kernels::merge(range, kernels::value_range(from + begin, end - begin));
  });
  return {range.min, range.max};
}

void count_in_bins(std::span<const float> values, int exponent, int64_t first,
                   std::vector<uint64_t>& counts) {
  std::vector<uint32_t> tables(kernels::kCountTables * counts.size());
  const kernels::BinRange bins{exponent, static_cast<int32_t>(first), counts.size()};
  in_pieces(values.size(), [&, from = values.data(), to = tables.data()](size_t begin, size_t end) {
    kernels::count_bins(from + begin, end - begin, bins, to);
  });
  for (size_t i = 0; i < tables.size(); ++i) counts[i % counts.size()] += tables[i];
}

void round_to_codes(std::span<const float> values, std::span<const float> scales,
                    std::span<const int32_t> zero_points, int32_t min, int32_t max, uint8_t* codes,
                    RoundingLoss& loss) {
  const kernels::CodeGrid grid{scales.data(), zero_points.data(), scales.size() > 1, min, max};
  kernels::round_to_codes(values.data(), values.size(), grid, codes, loss);
}

} // namespace octet
