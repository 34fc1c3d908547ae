// What stands between a product (or a sum, …) and the QuantizeLinear of its result, as far as the
// product's output step can do it on codes.
#pragma once

#include "passes/code_forms.h"

namespace octet {

// y = clamp(round((f(x) · scale + shift) / y_scale), low, high); f is HardSwish, or scale and shift
// are 1 and 0.
struct CodeEpilogue {
  NodeId maker; // of x
  int32_t low, high;
  bool hard_swish = false;
  float scale = 1, shift = 0;

  // Whether it is more than a rounding to codes of these.
  bool is_plain(const CodeParams& params) const {
    return !hard_swish && low == params.low() && high == params.high();
  }
  void write_to(Node& lowered) const;
};

// That of the value `x`, which is read as codes only; `maker` is invalid when nothing suits.
CodeEpilogue find_code_epilogue(const Graph& graph, ValueId x, const CodeParams& params);

} // namespace octet
