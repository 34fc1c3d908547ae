#pragma once

#include "graph/graph.h"

namespace octet {

// Lets integer convolutions of an odd number of channels take the largest of 2x2 pixels themselves
// (attribute `pool`): a MaxPool that alone reads them, of stride 2 and without padding. Their
// output step must rise with the sums. For a graph with its layouts and activations.
void fuse_pool(Graph& graph);

} // namespace octet
