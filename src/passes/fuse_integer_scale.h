#pragma once

#include "ops/propagate.h"

namespace octet {

// Fuses what dynamic quantization spells out around an integer product into one lowered operator:
//   float(ConvInteger(a, b, a_zero, b_zero)) * (a_scale * b_scale) + bias   → ConvIntegerToFloat
//   float(MatMulInteger(a, b, a_zero, b_zero)) * (a_scale * b_scale) + bias → MatMulIntegerToFloat
// Both take (a, b, a_scale, b_scale, a_zero_point, b_zero_point, bias), absent ones left out;
// b_scale and bias are 1-D. A DynamicQuantizeLinear whose result only such products read becomes
// the lowered DynamicQuantize, which yields int16 with the zero point already subtracted (and the
// scale).
void fuse_integer_scale(Graph& graph, const GraphFacts& facts);

} // namespace octet
