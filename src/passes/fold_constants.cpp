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

// An output of a node with constant inputs, made again when it is read after it was dropped.
class FoldedOutput final : public ByteSource {
public:
  FoldedOutput(const Graph& graph, const Node& node, std::span<const Tensor* const> inputs,
               size_t output)
      : node_(node), model_(graph.model), output_(output) {
    for (const Tensor* t : inputs) inputs_.push_back(t ? *t : Tensor());
  }

  bool is_computed() const override { return true; }
  void read(size_t offset, std::span<uint8_t> to) const override {
    std::vector<const Tensor*> inputs;
    for (const Tensor& t : inputs_) inputs.push_back(t.dtype() == DType::Undefined ? nullptr : &t);
    const auto results = evaluate(node_, model_, inputs);
    std::copy_n((*results)[output_].bytes() + offset, to.size(), to.data());
  }

private:
  Node node_;
  ModelInfo model_;
  std::vector<Tensor> inputs_;
  size_t output_;
};

// Lets large results be dropped, so that weights are in the heap once, packed. Results of results
// stay: making one again shall run one node, not a chain of any length.
void let_drop(const Graph& graph, const Node& node, std::span<const Tensor* const> inputs,
              std::vector<Tensor>& results) {
  constexpr size_t kLarge = size_t{32} << 10;
  const auto is_computed = [](const Tensor* t) { return t && t->data().is_computed(); };
  if (std::any_of(inputs.begin(), inputs.end(), is_computed)) return;
  for (size_t i = 0; i < results.size(); ++i) {
    Tensor& result = results[i];
    if (result.size_bytes() < kLarge || result.data().is_outside()) continue;
    auto source = std::make_shared<const FoldedOutput>(graph, node, inputs, i);
    result = Tensor(result.dtype(), result.shape(), SharedBytes(std::move(source), result.data()));
  }
}

bool stores_weights(const Graph& graph, const Node& node) {
  if (!node.domain.empty()) return false;
  if (node.op_type == "DequantizeLinear") return true;
  const Tensor* stored = node.op_type == "Cast" ? graph.constant(node.inputs[0]) : nullptr;
  return stored && is_other_float(stored->dtype());
}

std::optional<std::vector<Tensor>> fold(const Graph& graph, const CapturedConstants& captured,
                                        const Node& node, bool weights_only) {
  const OpDef* op = find_op(node.domain, node.op_type);
  if (!op || !op->deterministic || !node.captures.empty()) return std::nullopt;
  // A weight stored as integers stays one: that is what makes the model small and the product an
  // integer one.
  if (stores_weights(graph, node) != weights_only) return std::nullopt;
  std::vector<const Tensor*> inputs;
  for (ValueId id : node.inputs) {
    const Tensor* constant = known_constant(graph, captured, id);
    if (id && !constant) return std::nullopt;
    inputs.push_back(constant);
  }
  auto results = evaluate(node, graph.model, inputs);
  const auto is_tensor = [](const Tensor& t) {
    return is_dense(t.dtype()) || t.dtype() == DType::String;
  };
  if (results && !std::all_of(results->begin(), results->end(), is_tensor)) return std::nullopt;
  if (results && !weights_only && !worth_keeping(*results, bytes_before(node, inputs)))
    return std::nullopt;
  if (results) let_drop(graph, node, inputs, *results);
  return results;
}
} // namespace

const Tensor* known_constant(const Graph& graph, const CapturedConstants& captured, ValueId id) {
  if (const Tensor* own = graph.constant(id)) return own;
  for (size_t i = 0; i < captured.size(); ++i)
    if (graph.captures()[i] == id) return captured[i];
  return nullptr;
}

namespace {
void fold_nodes(Graph& graph, const CapturedConstants& captured, bool weights_only) {
  GraphEdit edit(graph);
  for (NodeId id : graph.nodes()) {
    const auto results = fold(graph, captured, graph.node(id), weights_only);
    if (!results) continue;
    const std::vector<ValueId> outputs = graph.node(id).outputs;
    for (size_t i = 0; i < outputs.size(); ++i)
      if (outputs[i]) edit.make_constant(outputs[i], (*results)[i]);
    edit.remove_node(id);
  }
}
} // namespace

void fold_constants(Graph& graph, const CapturedConstants& captured) {
  fold_nodes(graph, captured, false);
}

void unfold_weights(Graph& graph) {
  fold_nodes(graph, {}, true);
}

} // namespace octet
