// Observes the groups of values that get common parameters, over all samples.
#pragma once

#include <string>
#include <vector>

#include "ops/op_def.h"
#include "quant/arithmetic.h"
#include "quant/config.h"
#include "quant/observer.h"

namespace octet {

class Calibrator final : public ValueSink {
public:
  // Throws InvalidOption.
  explicit Calibrator(const ActivationOptions& options);

  // The number of a new tap on the value `name`, which shares `observer` with other taps.
  size_t add_observer();
  size_t add_tap(size_t observer, std::string name);

  // Throws InvalidInput naming the value when an element is not finite.
  void observe(size_t tap, std::span<const float> values) override;

  // Nothing for what no sample has reached.
  std::optional<ScaleAndZero> params(size_t observer) const;
  // The smallest and largest scale that single samples would have had.
  struct Scales {
    float min, max;
  };
  Scales scales_of_samples(size_t observer) const;
  // Whether the range of all samples is so many times that of most of them that a scale for all
  // leaves few codes to each.
  bool drifts(size_t observer) const;

private:
  struct Tap {
    size_t observer;
    std::string name;
  };
  const ActivationOptions options_;
  std::vector<std::unique_ptr<Observer>> observers_;
  std::vector<std::vector<float>> spans_; // by observer: max − min of each sample
  std::vector<Tap> taps_;
};

} // namespace octet
