// The other spelling of a statically quantized graph: operators on codes.
//
//   Q(op(DQ(a), DQ(b), …)) → QLinearConv and its like
//   Q(move(DQ(a)))         → move(a), where the parameters are one
//   Q(relu(op(…)))         → the operator, and a Clip of codes where their range does not imply it
// QGemm also yields real numbers, for whoever reads those. What has no such form, in onnxruntime
// too, keeps its pairs: products of int8 activations with uint8 weights, weights whose channels
// have zero points of their own, operators that com.microsoft lacks.
#pragma once

#include "graph/graph.h"

namespace octet {

// Returns whether operators of com.microsoft were written.
bool write_qoperators(Graph& graph);

} // namespace octet
