#pragma once

#include "graph/graph.h"

namespace octet {

// Removes Identity, and Dropout as inference sees it: readers read the operand.
void remove_identity(Graph& graph);

} // namespace octet
