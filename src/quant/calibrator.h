// Observes the groups of values that get common parameters, over all samples.
#pragma once

#include <string>
#include <vector>

#include "ops/op_def.h"
#include "quant/arithmetic.h"
#include "quant/config.h"
#include "quant/log2.h"
#include "quant/observer.h"
#include "quant/report.h"

namespace octet {

class Calibrator final : public ValueSink {
public:
  // Throws InvalidOption.
  explicit Calibrator(const ActivationOptions& options);

  // Whether the codes are those of the options, or int16 around zero.
  size_t add_observer(bool is_wide = false);
  // The number of a new tap on the value `name`, which shares `observer` with other taps.
  size_t add_tap(size_t observer, std::string name);

  DType type(size_t observer) const { return codes_.at(observer).type; }

  // Throws InvalidInput naming the value when an element is not finite.
  void observe(size_t tap, std::span<const float> values) override;

  // Of the scheme log2: the most levels that all who read the values can take.
  void limit_levels(size_t observer, int32_t most);

  // After the samples: chooses the parameters of one more observer; false when there is none left.
  bool choose_next();
  // After that. Nothing for what no sample has reached. Of the scheme log2 the scale is the
  // smallest level.
  std::optional<ScaleAndZero> params(size_t observer) const { return params_.at(observer); }
  // Of the scheme log2, for what samples have reached: its levels, and what these lose of the
  // values.
  kernels::Log2Levels log2_levels(size_t observer) const;
  double log2_sqnr_db(size_t observer) const;
  // How many times wider than the median sample's range the widest one is; infinite when most are
  // 0.
  double drift(size_t observer) const;
  // A sample that uses an eighth of the range has lost three bits.
  static constexpr double kMostDrift = 8;
  // Whether a scale for all samples leaves few codes to most of them. 16 bits leave enough.
  bool drifts(size_t observer) const {
    return dtype_bits(type(observer)) == 8 && drift(observer) > kMostDrift;
  }
  // The report's entry for a value, of method "dynamic" where each run has a range of its own, and
  // "constant" where all that it had was 0: its scale then is 1.
  QuantizedTensor describe(size_t observer, std::string name, std::string node,
                           bool is_dynamic) const;
  // The smallest and largest scale that single samples would have had.
  struct Scales {
    float min, max;
  };
  Scales scales_of_samples(size_t observer) const;
  std::optional<ScaleAndZero> choose(size_t observer) const;
  bool saw_only_zero(size_t observer) const;
  ClipRange clipping(size_t observer, ScaleAndZero params) const;
  ClipRange log2_clipping(size_t observer) const;

  struct Codes {
    DType type;
    bool symmetric;
  };
  struct Tap {
    size_t observer;
    std::string name;
  };
  const ActivationOptions options_;
  std::vector<std::unique_ptr<Observer>> observers_;
  std::vector<Codes> codes_; // by observer
  struct Log2Watch {
    Log2Errors errors;
    int32_t most_levels = kernels::kMostLog2Levels;
  };
  bool is_log2() const { return options_.scheme == ActivationScheme::Log2; }

  std::vector<Log2Watch> log2_;           // by observer, of the scheme log2
  std::vector<std::vector<float>> spans_; // by observer: max − min of each sample
  std::vector<Tap> taps_;
  std::vector<std::optional<ScaleAndZero>> params_; // by observer, as far as they are chosen
};

} // namespace octet
