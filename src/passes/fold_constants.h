#pragma once

#include <vector>

#include "graph/graph.h"

namespace octet {

// Constants of the enclosing graph that a subgraph's captures stand for, parallel to
// Graph::captures(); null where the captured value is not constant. Empty for a top-level graph.
using CapturedConstants = std::vector<const Tensor*>;

// The constant behind a value: an initializer, or a captured one.
const Tensor* known_constant(const Graph& graph, const CapturedConstants& captured, ValueId id);

// Evaluates nodes whose inputs are all constant (Constant nodes among them) and puts the result in
// their place, unless it would be much larger than what it is made from (limits::kMaxFoldedBytes).
void fold_constants(Graph& graph, const CapturedConstants& captured = {});

// Of a lowered graph: makes weights that are stored small (DequantizeLinear of constants, Cast of
// float16 ones) the floats that operators compute with.
void unfold_weights(Graph& graph);

} // namespace octet
