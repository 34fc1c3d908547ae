// A text form of graphs for tests and bug reports.
#pragma once

#include <string>

#include "graph/graph.h"

namespace octet {

// One line a node: `out1, out2 = Conv(x, w) {strides=[1, 1]}`, inputs and outputs first,
// initializers as dtype and shape. Subgraphs are indented. Stable: the same graph prints the same.
std::string print(const Graph& graph);

} // namespace octet
