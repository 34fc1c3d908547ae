#pragma once

#include "graph/graph.h"

namespace octet {

// Replaces operators that are compositions of others by these: SwiGLU, and of com.microsoft the
// fusions that onnxruntime's optimizer and exporters write (src/ops/README.md lists them).
// Only for execution: the operators may be newer than the graph's operator set. Throws InvalidModel
// and UnsupportedOperator naming the node.
void spell_out(Graph& graph);

} // namespace octet
