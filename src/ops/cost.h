// What a node has to do at least, for reports of speed: multiply-adds, and bytes read and written.
#pragma once

#include "ops/propagate.h"

namespace octet {

// Output elements times the length of each dot product; 0 for operators without products and where
// shapes are not known.
double multiply_adds(const Node& node, const GraphFacts& facts);

// Bytes of the operands and results whose shapes are known.
double bytes_moved(const Node& node, const GraphFacts& facts);

} // namespace octet
