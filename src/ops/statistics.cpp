#include "ops/statistics.h"

#include <algorithm>

#include "base/pieces.h"
#include "kernels/histogram/histogram.h"

namespace octet {

std::optional<ValueExtremes> finite_extremes(std::span<const float> values) {
  ValueExtremes extremes;
  bool is_finite = true;
  in_pieces(values.size(), [&, from = values.data()](size_t begin, size_t end) {
    const kernels::FiniteRange range = kernels::finite_range(from + begin, end - begin);
    is_finite &= range.is_finite;
    extremes = merge(extremes, {range.min, range.max});
  });
  return is_finite ? std::optional(extremes) : std::nullopt;
}

ValueExtremes merge(ValueExtremes a, ValueExtremes b) {
  return {std::min(a.min, b.min), std::max(a.max, b.max)};
}

BinCounter::BinCounter(int exponent, int64_t first, size_t bins)
    : exponent_(exponent), first_(static_cast<int32_t>(first)), bins_(bins),
      tables_(std::make_unique<uint32_t[]>(kernels::kCountTables * bins)) {}

void BinCounter::count(std::span<const float> values) {
  kernels::count_bins(values.data(), values.size(), {exponent_, first_, bins_}, tables_.get());
}

void BinCounter::add_to(std::span<uint64_t> counts) const {
  kernels::add_counts(tables_.get(), bins_, counts.data());
}

void round_to_codes(std::span<const float> values, std::span<const float> scales,
                    std::span<const int32_t> zero_points, int32_t min, int32_t max, uint8_t* codes,
                    RoundingLoss& loss) {
  const kernels::CodeGrid grid{scales.data(), zero_points.data(), scales.size() > 1, min, max};
  kernels::round_to_codes(values.data(), values.size(), grid, codes, loss);
}

} // namespace octet
