// Runs one node on tensors: constant folding, and nodes whose shapes only a run can tell.
#pragma once

#include <optional>
#include <vector>

#include "ops/op_def.h"

namespace octet {

// Version of the operator set the node belongs to, under the graph's imports. Lowered operators
// follow the standard ones that they stand for.
int64_t opset_of(const Node& node, const ModelInfo& model);

// Outputs of the node for fully known inputs (null = absent optional), parallel to node.outputs.
// Returns nothing when the operator can't run outside of a lowered graph. Throws what infer and
// prepare throw.
std::optional<std::vector<Tensor>> evaluate(const Node& node, const ModelInfo& model,
                                            std::span<const Tensor* const> inputs,
                                            std::span<const Tensor* const> captures = {},
                                            SubgraphHost* host = nullptr,
                                            PackedWeights* weights = nullptr);

} // namespace octet
