// The way of a graph into quantization.
#pragma once

#include <memory>

#include "graph/graph.h"

namespace octet {

// Canonicalizes a graph as read and raises its operator set to what quantized operators need.
std::unique_ptr<Graph> prepare_for_quantization(std::unique_ptr<Graph> graph);

} // namespace octet
