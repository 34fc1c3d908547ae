#pragma once

#include "ops/propagate.h"

namespace octet {

// Turns attention as exporters spell it out, on tensors of rank 4, into the lowered Attention (see
// ops/attention.cpp):
//   MatMul(softmax(Add(Where(c, scale · MatMul(q, kᵀ), fill), mask)), v)
// where scale (Mul or Div by a constant), Where, Add may be left out. Transposes of q, kᵀ, v and of
// the result that leave columns side by side become ways to read and write memory.
void fuse_attention(Graph& graph, const GraphFacts& facts);

} // namespace octet
