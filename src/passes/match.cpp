#include "passes/match.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "ops/evaluate.h"

namespace octet {

Uses::Uses(const Graph& graph) : graph_(graph), readers_(graph.value_count()) {
  for (NodeId id : graph.nodes()) {
    const Node& node = graph.node(id);
    for (const auto* list : {&node.inputs, &node.captures})
      for (ValueId in : *list)
        if (in && (readers_[in.index].empty() || readers_[in.index].back() != id))
          readers_[in.index].push_back(id);
  }
}

NodeId Uses::only_reader(ValueId id) const {
  return graph_.value(id).uses == 1 && readers_[id.index].size() == 1 ? readers_[id.index][0]
                                                                      : NodeId();
}

bool is_op(const Node& node, std::string_view op_type, std::string_view domain) {
  return node.op_type == op_type && node.domain == domain;
}

const Node* producer(const Graph& graph, ValueId id, std::string_view op_type,
                     std::string_view domain) {
  if (!id || !graph.value(id).producer) return nullptr;
  const Node& node = graph.node(graph.value(id).producer);
  return is_op(node, op_type, domain) ? &node : nullptr;
}

std::optional<float> scalar_constant(const Graph& graph, ValueId id) {
  const Tensor* tensor = graph.constant(id);
  if (!tensor || tensor->dtype() != DType::Float32 || tensor->elements() != 1) return std::nullopt;
  return tensor->values<float>()[0];
}

bool is_scalar(const Graph& graph, ValueId id, float expected) {
  const auto value = scalar_constant(graph, id);
  return value && std::abs(*value - expected) <= 1e-3f * std::abs(expected);
}

ValueId other_input(const Node& node, ValueId id) {
  return node.inputs[0] == id ? node.inputs[1] : node.inputs[0];
}

std::optional<ConstantOperand> constant_operand(const Graph& graph, const Node& node) {
  if (node.inputs.size() != 2) return std::nullopt;
  for (size_t i = 0; i < 2; ++i) {
    const Tensor* constant = graph.constant(node.inputs[i]);
    if (constant && !graph.constant(node.inputs[1 - i]))
      return ConstantOperand{node.inputs[1 - i], constant};
  }
  return std::nullopt;
}

std::optional<std::vector<float>> per_axis_values(const Tensor& tensor, size_t rank, size_t axis,
                                                  int64_t size) {
  if (tensor.dtype() != DType::Float32 || tensor.shape().rank() > rank) return std::nullopt;
  const auto values = tensor.values<float>();
  if (values.size() == 1) return std::vector<float>(static_cast<size_t>(size), values[0]);
  const size_t lead = rank - tensor.shape().rank();
  if (axis < lead || tensor.shape()[axis - lead] != size ||
      values.size() != static_cast<size_t>(size))
    return std::nullopt;
  return std::vector<float>(values.begin(), values.end());
}

Tensor transposed(const Tensor& tensor, std::vector<int64_t> perm, const ModelInfo& model) {
  Node node{.op_type = "Transpose", .inputs = {ValueId(0)}, .outputs = {ValueId(1)}};
  node.attributes.set("perm", std::move(perm));
  const Tensor* source = &tensor;
  return (*evaluate(node, model, {&source, 1}))[0];
}

std::optional<ClipBounds> clip_bounds(const Graph& graph, const Node& clip) {
  constexpr float kLowest = std::numeric_limits<float>::lowest(),
                  kHighest = std::numeric_limits<float>::max();
  float bounds[] = {clip.attributes.get_float("min", kLowest),
                    clip.attributes.get_float("max", kHighest)};
  for (size_t i = 1; i < clip.inputs.size() && i < 3; ++i) {
    if (!clip.inputs[i]) continue;
    const auto bound = scalar_constant(graph, clip.inputs[i]);
    if (!bound) return std::nullopt;
    bounds[i - 1] = *bound;
  }
  return ClipBounds{bounds[0], bounds[1]};
}

} // namespace octet
