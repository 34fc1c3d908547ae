#pragma once

#include "graph/graph.h"

namespace octet {

// The first version with every operator that dynamic quantization writes; 13 is that with scales
// per channel, 21 that with scales per block and codes of 4 bits.
inline constexpr int64_t kOldestRaised = 11;

// Raises an older graph (and its subgraphs), of ai.onnx 7 or newer, to version `to`, kOldestRaised
// or newer.
// Operators whose form changed in between are rewritten: Clip,
// Pad, Slice and TopK take operands instead of attributes, Upsample and the first Resize become
// Resize with the asymmetric coordinates they had, Scatter becomes ScatterElements; for 16,
// RoiAlign gets the mode it had; for 13, Squeeze, Unsqueeze, Split and ReduceSum take operands,
// Softmax works on one axis; for 21, the other reductions and DFT take operands, Split and
// GridSample get attributes as they are now. Newer graphs are left alone. Throws
// UnsupportedOperator for older ones, and for a GroupNormalization that would have to change.
void raise_opset(Graph& graph, int64_t to);

} // namespace octet
