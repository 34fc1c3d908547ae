#pragma once

#include "graph/graph.h"
#include "ops/propagate.h"

namespace octet {

// Lays spatial operators (convolution, pooling, resize) out channels-last and carries the layout
// through whatever can run in it: elementwise operators, Concat, reductions with kept dims,
// Transpose. Transposes stand only where a region of channels-last values begins or ends, and
// cancel against the model's own.
//
// A spatial operator becomes its lowered twin of the same name in the lowered domain, whose data
// operand and result are [N, spatial…, C]; all other operands keep ONNX's layout.
void choose_layout(Graph& graph, const GraphFacts& facts);

} // namespace octet
