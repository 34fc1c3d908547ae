// Tables into the products whose codes they read.
#pragma once

#include "graph/graph.h"

namespace octet {

// A Lookup that says which function its table is (passes/code_epilogue.h), the only reader of a
// product's codes, becomes part of the product's output step, if this makes the same codes of all.
void fuse_lookup(Graph& graph);

} // namespace octet
