#include "passes/fold_constants.h"

#include <algorithm>

#include "base/limits.h"
#include "graph/edit.h"
#include "ops/evaluate.h"
#include "ops/registry.h"

namespace octet {
namespace {
// What the model already spends on a node's constants.
size_t bytes_before(const Node& node, std::span<const Tensor* const> inputs) {
  size_t bytes = 0;
  for (const Tensor* t : inputs)
    if (t) bytes += t->size_bytes();
  for (const auto& [name, value] : node.attributes)
    if (const Tensor* t = std::get_if<Tensor>(&value)) bytes += t->size_bytes();
  return bytes;
}

// Of a node whose output size can't be told before it is made, growth is judged afterwards.
bool worth_keeping(const std::vector<Tensor>& results, size_t bytes_before) {
  size_t bytes = 0;
  for (const Tensor& t : results) bytes += t.size_bytes();
  return bytes <= std::max(bytes_before, limits::kMaxFoldedBytes);
}

std::optional<std::vector<Tensor>> fold(const Graph& graph, const CapturedConstants& captured,
                                        const Node& node) {
  const OpDef* op = find_op(node.domain, node.op_type);
  if (!op || !op->deterministic || !node.captures.empty()) return std::nullopt;
  // A weight stored as integers stays one: that is what makes the model small and the product an
  // integer one.
  if (node.op_type == "DequantizeLinear") return std::nullopt;
  std::vector<const Tensor*> inputs;
  for (ValueId id : node.inputs) {
    const Tensor* constant = known_constant(graph, captured, id);
    if (id && !constant) return std::nullopt;
    inputs.push_back(constant);
  }
  auto results = evaluate(node, graph.model, inputs);
  if (results && !worth_keeping(*results, bytes_before(node, inputs))) return std::nullopt;
  return results;
}
} // namespace

const Tensor* known_constant(const Graph& graph, const CapturedConstants& captured, ValueId id) {
  if (const Tensor* own = graph.constant(id)) return own;
  for (size_t i = 0; i < captured.size(); ++i)
    if (graph.captures()[i] == id) return captured[i];
  return nullptr;
}

void fold_constants(Graph& graph, const CapturedConstants& captured) {
  GraphEdit edit(graph);
  for (NodeId id : graph.nodes()) {
    const auto results = fold(graph, captured, graph.node(id));
    if (!results) continue;
    const std::vector<ValueId> outputs = graph.node(id).outputs;
    for (size_t i = 0; i < outputs.size(); ++i)
      if (outputs[i]) edit.make_constant(outputs[i], (*results)[i]);
    edit.remove_node(id);
  }
}

} // namespace octet
