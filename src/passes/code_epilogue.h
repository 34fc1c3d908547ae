// What stands between a product (or a sum, …) and the QuantizeLinear of its result, as far as the
// product's output step can do it on codes.
#pragma once

#include <string>

#include "ops/propagate.h"
#include "passes/code_forms.h"

namespace octet {

// y = clamp(round((f(x) · scale + shift) / y_scale), low, high); f is HardSwish or LeakyRelu and
// scale is positive, or there is no f, and scale and shift are 1 and 0.
struct CodeEpilogue {
  NodeId maker; // of x
  int32_t low, high;
  std::string activation = {};
  float alpha = 0, scale = 1, shift = 0;

  // Whether it is no more than a rounding to codes of these.
  bool is_plain(const CodeParams& params) const {
    return activation.empty() && low == params.low() && high == params.high();
  }
  void write_to(Node& lowered) const;
};

// That of the value `x`, which is read as codes only; `maker` is invalid when nothing suits.
CodeEpilogue find_code_epilogue(const Graph& graph, const GraphFacts& facts, ValueId x,
                                const CodeParams& params);

} // namespace octet
