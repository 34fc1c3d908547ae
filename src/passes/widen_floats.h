#pragma once

#include "graph/graph.h"
#include "ops/propagate.h"

namespace octet {

// Computes in float32 what is float16 or bfloat16, and what is float64 where there is no kernel for
// it (OpDef::float32): Casts stand where values enter and leave such a region. Inside of it nothing
// is rounded to the narrower type. Returns whether anything changed; the facts are then of a graph
// that was.
bool widen_floats(Graph& graph, const GraphFacts& facts);

} // namespace octet
