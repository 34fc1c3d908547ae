#pragma once

#include "graph/graph.h"

namespace octet {

// Raises a graph (and its subgraphs) of ai.onnx 7 … 10 to version 11, the first with every operator
// that dynamic quantization writes. Operators whose form changed in between are rewritten: Clip,
// Pad, Slice and TopK take operands instead of attributes, Upsample and the first Resize become
// Resize with the asymmetric coordinates they had, Scatter becomes ScatterElements. Newer graphs
// are left alone. Throws UnsupportedOperator for older ones.
void raise_opset(Graph& graph);

} // namespace octet
