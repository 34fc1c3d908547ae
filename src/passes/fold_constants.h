#pragma once

#include "graph/graph.h"

namespace octet {

// Evaluates nodes whose inputs are all constant (Constant nodes among them) and puts the result in
// their place, unless it would be much larger than what it is made from (limits::kMaxFoldedBytes).
void fold_constants(Graph& graph);

} // namespace octet
