// Watches the values of one tensor over a calibration and chooses the range to quantize.
//
// One row of the table in observer.cpp per method. An observer keeps a summary, never values; the
// ranges it returns contain 0.
//   minmax          the extremes of all samples
//   moving-average  the mean of the samples' extremes, in which those of the past fade: after
//                   hundred samples each new one weighs 1 % (MovingAverageMinMaxObserver of
//                   PyTorch)
//   mean            the mean of the samples' extremes, all of one weight (MEAN_MINMAX of NNCF; what
//                   PaddleSlim calls avg), so that single outliers are clipped
//   percentile, entropy, mse   see observers/clipping.h
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "base/dtype.h"
#include "quant/observers/histogram.h"

namespace octet {

struct ObserverOptions {
  std::string_view method = "minmax";
  double percentile = 99.99;
  // What the range will be divided into: how much a method may clip depends on it.
  DType type = DType::UInt8;
  bool symmetric = false;
};

class Observer {
public:
  explicit Observer(Histogram histogram) : histogram_(std::move(histogram)) {}
  virtual ~Observer() = default;
  // The tensor in one sample, or a part of it. Returns the range of the values; nothing when one of
  // them is not finite: then there is no range to choose any more.
  virtual std::optional<ObservedRange> add(std::span<const float> values) {
    return histogram_.add(values);
  }
  // Nothing when no value came.
  std::optional<ObservedRange> range() const {
    return histogram_.empty() ? std::nullopt : std::optional(choose());
  }
  const Histogram& histogram() const { return histogram_; }

protected:
  // Some value has come.
  virtual ObservedRange choose() const = 0;

private:
  Histogram histogram_;
};

// Throws InvalidOption for a method that does not exist.
std::unique_ptr<Observer> make_observer(const ObserverOptions& options);

} // namespace octet
