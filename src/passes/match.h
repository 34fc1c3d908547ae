// Looking around in a graph: the vocabulary that pattern-matching passes share.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "graph/graph.h"

namespace octet {

// Readers of every value, taken once; stale after edits (skip nodes that the edit removed).
class Uses {
public:
  explicit Uses(const Graph& graph);
  std::span<const NodeId> of(ValueId id) const { return readers_[id.index]; }
  // The one node that reads the value once, or an invalid id when there are more reads or it is an
  // output.
  NodeId only_reader(ValueId id) const;

private:
  const Graph& graph_;
  std::vector<std::vector<NodeId>> readers_;
};

bool is_op(const Node& node, std::string_view op_type, std::string_view domain = "");

// The node that produces the value when it is of this operator, else null.
const Node* producer(const Graph& graph, ValueId id, std::string_view op_type,
                     std::string_view domain = "");

// The value of a float32 constant with one element.
std::optional<float> scalar_constant(const Graph& graph, ValueId id);

// True for a scalar constant within 1e-3 relative of `expected` (exporters round their constants).
bool is_scalar(const Graph& graph, ValueId id, float expected);

// Of a node with two inputs: the one that is not `id`.
ValueId other_input(const Node& node, ValueId id);

// Of a commutative node: its constant operand and the other one.
struct ConstantOperand {
  ValueId data;
  const Tensor* constant = nullptr;
};
std::optional<ConstantOperand> constant_operand(const Graph& graph, const Node& node);

// The float32 elements of `tensor` when it broadcasts along `axis` only of a tensor of `rank` dims
// with `size` slices there: one element (repeated) or `size` of them. Nothing otherwise.
std::optional<std::vector<float>> per_axis_values(const Tensor& tensor, size_t rank, size_t axis,
                                                  int64_t size);

// Bounds of a Clip in either form, when they are constant.
struct ClipBounds {
  float low, high;
};
std::optional<ClipBounds> clip_bounds(const Graph& graph, const Node& clip);

// A constant with its dims permuted: dim i of the result is dim perm[i] of `tensor`.
Tensor transposed(const Tensor& tensor, std::vector<int64_t> perm, const ModelInfo& model);

} // namespace octet
