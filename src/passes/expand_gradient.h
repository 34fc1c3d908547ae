// Replaces ai.onnx.preview.training's Gradient by the nodes that compute it, by reverse-mode
// differentiation of what leads from its `xs` and `zs` to its `y`. It names these values, and
// nothing else need read them: so this comes before any pass that removes or renames some.
#pragma once

#include "graph/graph.h"

namespace octet {

// For execution, in subgraphs too: what takes the node's place includes operators of the lowered
// domain. Throws InvalidModel for names that are not there, UnsupportedOperator for operators whose
// derivative is not known.
void expand_gradient(Graph& graph);

// Throws UnsupportedOperator when there is such a node.
void refuse_gradient(const Graph& graph);

} // namespace octet
