#include "ops/propagate.h"

#include <algorithm>

#include "base/limits.h"
#include "ops/evaluate.h"
#include "ops/registry.h"

namespace octet {

GraphFacts::GraphFacts(const Graph& graph, std::span<const ValueFact* const> inputs)
    : facts_(graph.value_count()) {
  for (size_t i = 0; i < facts_.size(); ++i)
    if (const Tensor* constant = graph.constant(ValueId(i)))
      facts_[i] = {.dtype = constant->dtype(), .shape = constant->shape(), .value = *constant};
  size_t next = 0;
  const auto assign = [&](const std::vector<ValueId>& ids) {
    for (ValueId id : ids) {
      if (next < inputs.size() && inputs[next]) facts_[id.index] = *inputs[next];
      ++next;
    }
  };
  assign(graph.inputs());
  assign(graph.captures());
}

std::vector<ValueFact> facts_to_plan(std::span<const Tensor> values) {
  std::vector<ValueFact> out;
  for (const Tensor& t : values) {
    ValueFact fact{.dtype = t.dtype(), .shape = std::nullopt, .value = std::nullopt};
    if (is_dense(t.dtype()) || t.dtype() == DType::String) fact.shape = t.shape();
    out.push_back(std::move(fact));
  }
  return out;
}

std::vector<const ValueFact*> GraphFacts::find_all(std::span<const ValueId> ids) const {
  std::vector<const ValueFact*> out;
  out.reserve(ids.size());
  for (ValueId id : ids) out.push_back(find(id));
  return out;
}

namespace {
bool all_have(std::span<const ValueFact* const> facts, bool (*property)(const ValueFact&)) {
  return std::all_of(facts.begin(), facts.end(),
                     [&](const ValueFact* fact) { return !fact || property(*fact); });
}

bool has_shape(const ValueFact& fact) {
  return fact.shape.has_value();
}
bool has_value(const ValueFact& fact) {
  return fact.value.has_value();
}

bool small_enough(std::span<const ValueFact> outputs, std::span<const ValueFact* const> inputs) {
  size_t bytes_in = 0, bytes_out = 0;
  for (const ValueFact* fact : inputs)
    if (fact) bytes_in += fact->value->size_bytes();
  for (const ValueFact& fact : outputs) {
    if (!fact.shape) return false;
    bytes_out += dtype_bytes(fact.dtype, fact.shape->elements());
  }
  return bytes_out <= std::max(bytes_in, limits::kMaxFoldedBytes);
}

std::vector<const Tensor*> known_tensors(std::span<const ValueFact* const> facts) {
  std::vector<const Tensor*> out;
  for (const ValueFact* fact : facts) out.push_back(fact ? &*fact->value : nullptr);
  return out;
}

void infer_node(const Graph& graph, const Node& node, GraphFacts& facts, SubgraphHost* host) {
  const OpDef& op = op_of(node);
  if (!op.infer) return;
  const auto inputs = facts.find_all(node.inputs), captures = facts.find_all(node.captures);
  if (!all_have(inputs, has_shape) || !all_have(captures, has_shape)) return;
  InferContext ctx(node, opset_of(node, graph.model), inputs, captures, host);
  op.infer(ctx);
  std::vector<ValueFact>& outputs = ctx.outputs();
  if (!std::all_of(outputs.begin(), outputs.end(), has_shape)) {
    for (ValueFact& fact : outputs) fact.shape.reset();
  }
  const bool known = all_have(inputs, has_value) && all_have(captures, has_value);
  if (known && op.deterministic && small_enough(outputs, inputs)) {
    const auto results =
        evaluate(node, graph.model, known_tensors(inputs), known_tensors(captures), host);
    for (size_t i = 0; results && i < results->size(); ++i) outputs[i].value = (*results)[i];
  }
  for (size_t i = 0; i < outputs.size(); ++i)
    if (node.outputs[i]) facts[node.outputs[i]] = std::move(outputs[i]);
}
} // namespace

GraphFacts propagate(const Graph& graph, std::span<const ValueFact* const> inputs,
                     SubgraphHost* host) {
  GraphFacts facts(graph, inputs);
  for (NodeId id : graph.nodes()) infer_node(graph, graph.node(id), facts, host);
  return facts;
}

} // namespace octet
