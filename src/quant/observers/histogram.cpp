#include "quant/observers/histogram.h"

#include <algorithm>
#include <cmath>

#include "base/pieces.h"

namespace octet {
namespace {
int64_t bin_of(float value, int exponent) {
  return static_cast<int64_t>(std::floor(std::ldexp(static_cast<double>(value), -exponent)));
}
} // namespace

double Histogram::width() const {
  return std::ldexp(1.0, exponent_);
}

double Histogram::centre(size_t bin) const {
  return bin == zero_bin() ? 0 : edge(bin) + width() / 2;
}

double Histogram::share_outside(double low, double high) const {
  uint64_t outside = 0;
  for (size_t i = 0; i < counts_.size(); ++i)
    if (centre(i) < low || centre(i) > high) outside += counts_[i];
  return empty() ? 0 : static_cast<double>(outside) / static_cast<double>(total_);
}

CoarseHistogram Histogram::coarse() const {
  if (empty()) return {};
  const int64_t last = first_ + static_cast<int64_t>(counts_.size()) - 1;
  int shift = 0;
  while ((last >> shift) - (first_ >> shift) >= static_cast<int64_t>(CoarseHistogram::kMaxBins))
    ++shift;
  const int64_t first = first_ >> shift;
  const double wide = std::ldexp(width(), shift);
  CoarseHistogram out{.low = static_cast<double>(first) * wide, .width = wide};
  out.counts.resize(static_cast<size_t>((last >> shift) - first + 1));
  for (int64_t bin = first_; bin <= last; ++bin)
    out.counts[static_cast<size_t>((bin >> shift) - first)] +=
        counts_[static_cast<size_t>(bin - first_)];
  return out;
}

bool Histogram::fits(ObservedRange range) const {
  return !empty() && range.min >= range_.min && range.max <= range_.max;
}

void Histogram::fit(ObservedRange range) {
  range_ = merge(range_, range);
  const float reach = std::max(range_.max, -range_.min);
  int exponent = exponent_;
  if (reach > 0) exponent = std::max(exponent, std::ilogb(reach) - 12);
  while (bin_of(range_.max, exponent) - bin_of(range_.min, exponent) >= kBins) ++exponent;
  const int64_t first = bin_of(range_.min, exponent);
  std::vector<uint64_t> counts(static_cast<size_t>(bin_of(range_.max, exponent) - first + 1));
  for (size_t i = 0; i < counts_.size(); ++i) {
    // An arithmetic shift rounds down, as edges of joined bins do.
    const int64_t bin = (first_ + static_cast<int64_t>(i)) >> std::min(exponent - exponent_, 63);
    if (counts_[i]) counts[static_cast<size_t>(bin - first)] += counts_[i];
  }
  exponent_ = exponent;
  first_ = first;
  counts_ = std::move(counts);
}

std::optional<ObservedRange> Histogram::add(std::span<const float> values) {
  std::optional<ObservedRange> whole(std::in_place);
  std::optional<BinCounter> counter; // with the bins as they are
  const size_t stride = values.size() < stride_ * kPiece ? 1 : stride_;
  const size_t first = times_++ % stride;
  // Each piece is looked at twice while it is in the nearest cache.
  in_pieces(values.size(), [&](size_t begin, size_t end) {
    const std::span<const float> piece = values.subspan(begin, end - begin);
    const auto range = finite_extremes(piece);
    if (!range) whole.reset();
    if (!whole) return;
    whole = merge(*whole, *range);
    if (!fits(*range)) {
      if (counter) counter->add_to(counts_);
      counter.reset();
      fit(*range);
    }
    if (begin / kPiece % stride != first) return;
    if (!counter) counter.emplace(exponent_, first_, counts_.size());
    counter->count(piece);
    total_ += piece.size();
  });
  if (counter) counter->add_to(counts_);
  return whole;
}

} // namespace octet
