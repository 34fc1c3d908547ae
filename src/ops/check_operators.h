// What passes take for granted about the nodes of a model that was read.
#pragma once

#include "graph/graph.h"

namespace octet {

// Throws InvalidModel naming the first node without an input that its operator requires, without
// outputs, or with an attribute of another type than its operator's, and UnsupportedOperator for
// one of the domain that only lowering may use; in subgraphs too. Operators that do not exist pass:
// they are reported when something has to know them.
void check_operators(const Graph& graph);

} // namespace octet
