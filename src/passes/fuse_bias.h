#pragma once

#include "graph/graph.h"

namespace octet {

// Turns MatMul with a constant right operand into the lowered MatMul that adds a bias in its
// epilogue, taking over a following Add of one value per column; and Gemm with a constant right
// operand and such a bias too.
void fuse_bias(Graph& graph);

} // namespace octet
