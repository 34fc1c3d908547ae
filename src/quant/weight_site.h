// One node whose weights weight-only quantization makes small: what of it is a matrix, and how the
// result is written.
#pragma once

#include <string>

#include "graph/edit.h"
#include "quant/block_weights.h"
#include "quant/scopes.h"

namespace octet {

inline constexpr float kLargestFloat16 = 65504;

struct WeightSite {
  GraphScope* scope = nullptr;
  NodeId node;
  DType type = DType::Undefined;
  size_t rows = 0, row_stride = 0, column_stride = 1;
  size_t groups = 1; // of rows, which multiply inputs of their own
  size_t axis = 0;   // of DequantizeLinear
  BlockLayout blocks;

  // The value that holds the weights.
  ValueId weight() const;
  bool is_per_channel() const { return blocks.count() == 1; }
};

// The operand of a node that holds its weights.
size_t weight_input(const Node& node);

// Whether an operator's weights can become of this type.
bool has_weights(std::string_view op_type, DType type);

// Fills in what of the weights `w` of a node is a matrix. Empty, or why nothing is.
std::string resolve_layout(const Node& node, const Shape& w, WeightSite& site);
// Fills in a site whose scope and node are set. Empty, or why the node keeps its weights.
std::string resolve_site(const QuantizeConfig& config, WeightSite& site);

// Rewrites the node. Returns whether it wrote operators of com.microsoft.
bool write_site(const WeightSite& site, const QuantizeConfig& config, const BlockWeights& weights);
// Makes the node read float16; false when a weight is beyond its range.
bool write_float16(GraphScope& scope, NodeId node);

} // namespace octet
