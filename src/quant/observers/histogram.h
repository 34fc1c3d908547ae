// Counts values in bins whose width is a power of two and whose edges are its multiples.
//
// When a value falls outside, the width doubles until all fit, and neighbouring bins join. No count
// is ever split, so the result does not depend on the order in which values came: it is the
// histogram that one look at all of them would have given.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "ops/statistics.h"

namespace octet {

using ObservedRange = ValueExtremes;

// A few bins, for people to look at: bin i counts the values in [low + i·width, low + (i +
// 1)·width).
struct CoarseHistogram {
  static constexpr size_t kMaxBins = 64;

  double low = 0, width = 0;
  std::vector<uint64_t> counts = {};
};

class Histogram {
public:
  static constexpr int64_t kBins = 4096;
  // The stride of a histogram that is shown to people and decides nothing.
  static constexpr size_t kSparse = 8;

  // With a stride, of many values that come at once only those of every so many pieces are counted,
  // each time of others; the range is that of all.
  explicit Histogram(size_t stride = 1) : stride_(stride) {}

  // Returns the range of the values; nothing when one of them is not finite: then some have been
  // counted.
  std::optional<ObservedRange> add(std::span<const float> values);

  bool empty() const { return total_ == 0; }
  // How many were counted.
  uint64_t total() const { return total_; }
  ObservedRange range() const { return range_; }
  // Bin i counts the values in [edge(i), edge(i + 1)).
  const std::vector<uint64_t>& counts() const { return counts_; }
  double width() const;
  double edge(size_t bin) const {
    return static_cast<double>(first_ + static_cast<int64_t>(bin)) * width();
  }
  // What stands for the values of a bin; 0 for the bin that holds 0.
  double centre(size_t bin) const;
  // The bin that holds 0.
  size_t zero_bin() const { return static_cast<size_t>(-first_); }
  // Of the values, those below `low` or above `high`, to the nearest bin.
  double share_outside(double low, double high) const;
  // The same counts in wider bins.
  CoarseHistogram coarse() const;

private:
  bool fits(ObservedRange range) const;
  void fit(ObservedRange range);

  size_t stride_;
  size_t times_ = 0; // that values came
  ObservedRange range_;
  int exponent_ = -126; // of the width
  int64_t first_ = 0;   // edge of bin 0, in widths; never above 0
  std::vector<uint64_t> counts_;
  uint64_t total_ = 0;
};

} // namespace octet
