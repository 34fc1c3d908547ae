#include "quant/observer.h"

#include <algorithm>

#include "base/error.h"
#include "quant/observers/clipping.h"

namespace octet {
namespace {
// The extremes of all samples.
class Extremes final : public Observer {
public:
  Extremes() : Observer(Histogram(Histogram::kSparse)) {}

protected:
  ObservedRange choose() const override { return histogram().range(); }
};

// A weighted mean of the ends of the samples' ranges: the plain one while that gives a sample more
// than the least weight, and an exponential average of what follows.
class Averaged final : public Observer {
public:
  explicit Averaged(double least_weight)
      : Observer(Histogram(Histogram::kSparse)), least_weight_(least_weight) {}
  std::optional<ObservedRange> add(std::span<const float> values) override {
    const auto range = Observer::add(values);
    if (!range || values.empty()) return range;
    ++count_;
    const double weight = std::max(1.0 / static_cast<double>(count_), least_weight_);
    min_ += weight * (range->min - min_);
    max_ += weight * (range->max - max_);
    return range;
  }

protected:
  ObservedRange choose() const override {
    return {static_cast<float>(min_), static_cast<float>(max_)};
  }

private:
  double least_weight_;
  size_t count_ = 0;
  double min_ = 0, max_ = 0;
};

using Clipping = ObservedRange (*)(const Histogram&, const ObserverOptions&);

class Clipped final : public Observer {
public:
  Clipped(Clipping clip, const ObserverOptions& options)
      : Observer(Histogram()), clip_(clip), options_(options) {}

protected:
  ObservedRange choose() const override { return clip_(histogram(), options_); }

private:
  Clipping clip_;
  ObserverOptions options_;
};

std::unique_ptr<Observer> extremes(const ObserverOptions&) {
  return std::make_unique<Extremes>();
}
std::unique_ptr<Observer> moving_average(const ObserverOptions&) {
  return std::make_unique<Averaged>(0.01);
}
std::unique_ptr<Observer> mean(const ObserverOptions&) {
  return std::make_unique<Averaged>(0);
}
template <Clipping clip>
std::unique_ptr<Observer> clipped(const ObserverOptions& options) {
  return std::make_unique<Clipped>(clip, options);
}

constexpr struct {
  std::string_view method;
  std::unique_ptr<Observer> (*make)(const ObserverOptions&);
} kObservers[] = {
    {"minmax", extremes},
    {"moving-average", moving_average},
    {"mean", mean},
    {"percentile", clipped<clip_percentile>},
    {"entropy", clipped<clip_entropy>},
    {"mse", clipped<clip_mse>},
};
} // namespace

std::unique_ptr<Observer> make_observer(const ObserverOptions& options) {
  for (const auto& row : kObservers)
    if (row.method == options.method) return row.make(options);
  fail(ErrorCode::InvalidOption, "activations.method: '", options.method,
       "'; minmax, moving-average, mean, percentile, entropy or mse expected");
}

} // namespace octet
