// One node that multiplies integers, with the range of what it reads measured at each run.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>

#include "quant/config.h"
#include "quant/product_rounding.h"
#include "quant/report.h"
#include "quant/scopes.h"

namespace octet {

struct DynamicScope : GraphScope {
  struct QuantizedValue {
    ValueId codes, scale, zero_point;
  };
  // What DynamicQuantizeLinear nodes made of the graph's values so far; nodes share them.
  std::unordered_map<ValueId, QuantizedValue> activations = {};
};

// Writes standard nodes in the place of a MatMul, Gemm, Conv or LSTM with constant weights (see
// quant/dynamic.h) and notes the weights in the report.
class DynamicSite {
public:
  // `rounding`: what samples tell of it, by which its bias is corrected; or null.
  DynamicSite(DynamicScope& scope, NodeId node, const QuantizeConfig& config,
              std::unique_ptr<ProductRounding> rounding, QuantizationReport& report);
  ~DynamicSite();

  // Empty, or why the node stays as it is. Then there is nothing to do.
  const std::string& refusal() const;
  // Does a part of the work; true when there is more. At the end the graph is changed.
  bool advance();

private:
  class Rewriter;
  std::unique_ptr<Rewriter> rewriter_;
};

} // namespace octet
