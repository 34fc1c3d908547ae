#include "quant/observer.h"

#include <algorithm>

#include "base/error.h"
#include "quant/observers/clipping.h"

namespace octet {
namespace {
class MinMax final : public Observer {
public:
  ObservedRange add(std::span<const float> values) override {
    const ObservedRange range = range_of(values);
    if (values.empty()) return range;
    seen_ = {std::min(seen_.min, range.min), std::max(seen_.max, range.max)};
    any_ = true;
    return range;
  }
  std::optional<ObservedRange> range() const override {
    return any_ ? std::optional(seen_) : std::nullopt;
  }

private:
  ObservedRange seen_;
  bool any_ = false;
};

// The mean of the ends of the first hundred ranges, and an exponential average of those that
// follow.
class MovingAverage final : public Observer {
public:
  ObservedRange add(std::span<const float> values) override {
    const ObservedRange range = range_of(values);
    if (values.empty()) return range;
    ++count_;
    const double weight = std::max(1.0 / static_cast<double>(count_), 0.01);
    min_ += weight * (range.min - min_);
    max_ += weight * (range.max - max_);
    return range;
  }
  std::optional<ObservedRange> range() const override {
    if (count_ == 0) return std::nullopt;
    return ObservedRange{static_cast<float>(min_), static_cast<float>(max_)};
  }

private:
  size_t count_ = 0;
  double min_ = 0, max_ = 0;
};

using Clipping = ObservedRange (*)(const Histogram&, const ObserverOptions&);

class Clipped final : public Observer {
public:
  Clipped(Clipping clip, const ObserverOptions& options) : clip_(clip), options_(options) {}
  ObservedRange add(std::span<const float> values) override { return histogram_.add(values); }
  std::optional<ObservedRange> range() const override {
    return histogram_.empty() ? std::nullopt : std::optional(clip_(histogram_, options_));
  }

private:
  Clipping clip_;
  ObserverOptions options_;
  Histogram histogram_;
};

template <class T>
std::unique_ptr<Observer> simple(const ObserverOptions&) {
  return std::make_unique<T>();
}
template <Clipping clip>
std::unique_ptr<Observer> clipped(const ObserverOptions& options) {
  return std::make_unique<Clipped>(clip, options);
}

constexpr struct {
  std::string_view method;
  std::unique_ptr<Observer> (*make)(const ObserverOptions&);
} kObservers[] = {
    {"minmax", simple<MinMax>},
    {"moving-average", simple<MovingAverage>},
    {"percentile", clipped<clip_percentile>},
    {"entropy", clipped<clip_entropy>},
    {"mse", clipped<clip_mse>},
};
} // namespace

std::unique_ptr<Observer> make_observer(const ObserverOptions& options) {
  for (const auto& row : kObservers)
    if (row.method == options.method) return row.make(options);
  fail(ErrorCode::InvalidOption, "activations.method: '", options.method,
       "'; minmax, moving-average, percentile, entropy or mse expected");
}

} // namespace octet
