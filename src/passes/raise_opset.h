#pragma once

#include "graph/graph.h"

namespace octet {

// Raises an older graph (and its subgraphs), of ai.onnx 7 or newer, to version `to`, 11 … 14: 11 is
// the first with every operator that dynamic quantization writes, 13 that with scales per channel.
// Operators whose form changed in between are rewritten: Clip,
// Pad, Slice and TopK take operands instead of attributes, Upsample and the first Resize become
// Resize with the asymmetric coordinates they had, Scatter becomes ScatterElements; for 13,
// Squeeze, Unsqueeze, Split and ReduceSum take operands, Softmax works on one axis. Newer graphs
// are left alone. Throws UnsupportedOperator for older ones.
void raise_opset(Graph& graph, int64_t to);

} // namespace octet
