#pragma once

#include "graph/graph.h"

namespace octet {

// Raises an older graph (and its subgraphs), of ai.onnx 7 or newer, to version `to`, 11 … 14 or
// 21: 11 is the first with every operator that dynamic quantization writes, 13 that with scales per
// channel, 21 that with scales per block and codes of 4 bits.
// Operators whose form changed in between are rewritten: Clip,
// Pad, Slice and TopK take operands instead of attributes, Upsample and the first Resize become
// Resize with the asymmetric coordinates they had, Scatter becomes ScatterElements; for 13,
// Squeeze, Unsqueeze, Split and ReduceSum take operands, Softmax works on one axis; for 21,
// the other reductions and DFT take operands, Split and GridSample get attributes as they are now.
// Newer graphs are left alone. Throws UnsupportedOperator for older ones, and for a
// GroupNormalization that would have to change.
void raise_opset(Graph& graph, int64_t to);

} // namespace octet
