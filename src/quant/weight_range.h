// How the range of weights that share a scale (a block, a channel, a tensor) follows from them:
//   minmax  the extremes
//   mean    at most as wide as 2·mean|w|·√qmax (Esser et al., Learned Step Size Quantization, 2020)
//   mse     the extremes, shrunk by the factor that leaves the least squared error
// Once the extremes are known, a rule looks at the weights in passes, so that those of many ranges
// can come in any order, and in pieces.
#pragma once

#include <cmath>
#include <limits>
#include <span>
#include <string>
#include <string_view>

#include "quant/arithmetic.h"
#include "quant/config.h"
#include "quant/observers/histogram.h"

namespace octet {

// A range on its way through the passes.
struct RangeSearch {
  ObservedRange full = {}; // the extremes
  size_t count = 0;        // of weights
  ObservedRange chosen = {};
  ScaleAndZero candidate = {};
  double sum = 0; // over the weights of a pass
  double least = std::numeric_limits<double>::infinity();
};

class RangeRule {
public:
  // Throws InvalidOption for a method that does not exist.
  RangeRule(std::string_view method, DType type, bool symmetric, bool reduced = false);

  QuantRange codes() const { return codes_; }
  ScaleAndZero within(ObservedRange range) const;

  // The range of some weights: contains 0. Throws InvalidInput when one is not finite.
  ObservedRange range(std::span<const float> weights) const;
  ScaleAndZero params(std::span<const float> weights) const { return within(range(weights)); }

  // The same in steps: for each pass begin_pass, then add for all weights, then end_pass. Without
  // any, the extremes are it.
  size_t passes() const;
  void begin_pass(RangeSearch& search, size_t pass) const;
  [[gnu::always_inline]] void add(RangeSearch& search, float w) const {
    search.sum += method_ == Method::Mean ? std::abs(double{w}) : squared_error(search, w);
  }
  void end_pass(RangeSearch& search, size_t pass) const;

private:
  [[gnu::always_inline]] double squared_error(const RangeSearch& search, float w) const {
    const int32_t code = quantize_value(w, search.candidate, codes_);
    const double error = w - dequantize_value(code, search.candidate);
    return error * error;
  }

  enum class Method { MinMax, Mean, Mse } method_;
  DType type_;
  bool symmetric_, reduced_;
  QuantRange codes_;
};

// The method of a rule, where samples choose the codes in its ranges.
std::string range_method(const WeightOptions& options);

} // namespace octet
