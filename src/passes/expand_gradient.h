// Replaces ai.onnx.preview.training's Gradient by the nodes that compute it, by reverse-mode
// differentiation of what leads from its `xs` and `zs` to its `y`.
#pragma once

#include "graph/graph.h"

namespace octet {

// Throws InvalidModel for names that are not there, UnsupportedOperator for operators whose
// derivative is not known.
void expand_gradient(Graph& graph);

} // namespace octet
