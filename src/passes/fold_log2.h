#pragma once

#include "graph/graph.h"

namespace octet {

// Leaves out the codes between a Log2Quantize and the Log2Dequantize nodes that read them
// (ops/log2_ops.h): a lowered Log2Levels makes the integers ±2^i of real numbers, and a
// DequantizeLinear real numbers of these, whose scale is the smallest level. So products with
// integer weights are found by fold_qdq like any other. Exact: the real numbers are the same bits.
void fold_log2(Graph& graph);

} // namespace octet
