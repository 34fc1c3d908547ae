// Checks the invariants of graph.h on a graph that a reader built from an untrusted file.
#pragma once

#include "graph/graph.h"

namespace octet {

// Throws InvalidModel naming the node or value at fault. Afterwards the invariants are asserts.
// Sorts the nodes topologically when the file did not (a cycle is an error).
void validate(Graph& graph);

} // namespace octet
