#pragma once

#include "graph/graph.h"

namespace octet {

// Moves an activation that alone reads a lowered Conv, ConvTranspose, MatMul or their integer forms
// into the producer, as its attributes `activation` (the operator's name) and `activation_params`
// (see ops/activation.h). A Max or Min with a number is a Clip; a HardSwish takes the scale and the
// shift behind it along, a LeakyRelu a Max.
void fuse_activation(Graph& graph);

} // namespace octet
