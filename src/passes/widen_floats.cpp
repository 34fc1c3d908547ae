#include "passes/widen_floats.h"

#include <algorithm>
#include <unordered_map>

#include "graph/edit.h"
#include "ops/registry.h"

namespace octet {
namespace {
bool is_half(DType dtype) {
  return dtype == DType::Float16 || dtype == DType::BFloat16;
}

class FloatWidener {
public:
  FloatWidener(Graph& graph, const GraphFacts& facts)
      : graph_(graph), facts_(facts), edit_(graph) {}

  bool run() {
    for (NodeId id : std::vector<NodeId>(graph_.nodes())) {
      if (shorten_cast(id)) continue;
      if (should_widen(graph_.node(id))) widen(id);
    }
    return changed_;
  }

private:
  DType dtype(ValueId id) const {
    return id && facts_.covers(id) ? facts_[id].dtype : DType::Undefined;
  }
  template <class Property>
  bool has_input(const Node& node, Property property) const {
    return std::any_of(node.inputs.begin(), node.inputs.end(),
                       [&](ValueId in) { return property(dtype(in)); });
  }

  // What only moves elements follows the values that are float32 already.
  bool should_widen(const Node& node) const {
    const OpDef* op = find_op(node.domain, node.op_type);
    if (!op || !knows_outputs(node)) return false;
    if (op->float32) return has_input(node, [&](DType type) { return !op->takes(type); });
    if (!has_input(node, is_half) || changes_type(node)) return false;
    const bool moves = op->moves || op->aliasing == Aliasing::View;
    if (!moves) return op->layout == LayoutRule::Elementwise;
    return std::any_of(node.inputs.begin(), node.inputs.end(),
                       [&](ValueId in) { return in && wide_.contains(in); });
  }
  bool knows_outputs(const Node& node) const {
    return std::all_of(node.outputs.begin(), node.outputs.end(),
                       [&](ValueId out) { return !out || dtype(out) != DType::Undefined; });
  }
  static bool changes_type(const Node& node) {
    return node.op_type == "Cast" || node.op_type == "QuantizeLinear" ||
           node.op_type == "DequantizeLinear";
  }

  // A Cast to float32 of a value that was float32 before it was narrowed.
  bool shorten_cast(NodeId id) {
    const Node& node = graph_.node(id);
    if (node.op_type != "Cast" || !node.domain.empty()) return false;
    const auto wide = wide_.find(node.inputs[0]);
    if (wide == wide_.end() || dtype(node.outputs[0]) != DType::Float32) return false;
    return edit_.replace_uses(node.outputs[0], wide->second);
  }

  void widen(NodeId id) {
    changed_ = true;
    const Node node = graph_.node(id);
    for (size_t i = 0; i < node.inputs.size(); ++i)
      if (is_other_float(dtype(node.inputs[i])))
        edit_.set_input(id, i, widened(id, node.inputs[i]));
    for (size_t i = 0; i < node.outputs.size(); ++i)
      if (const ValueId out = node.outputs[i]; is_other_float(dtype(out))) narrow_after(id, i, out);
  }

  ValueId widened(NodeId reader, ValueId id) {
    const auto [found, fresh] = wide_.try_emplace(id);
    if (fresh) {
      const ValueId wide = edit_.new_value(graph_.value(id).name + "_float32");
      edit_.produce(edit_.insert_before(reader, cast(id, DType::Float32)), 0, wide);
      found->second = wide;
    }
    return found->second;
  }

  // Output `i` of the node is float32 from now on; `out` becomes what is narrowed from it.
  void narrow_after(NodeId id, size_t i, ValueId out) {
    const ValueId wide = edit_.new_value(graph_.value(out).name + "_float32");
    const NodeId narrowing = insert_after(id, cast(wide, dtype(out)));
    edit_.produce(id, i, wide);
    edit_.produce(narrowing, 0, out);
    wide_[out] = wide;
  }

  Node cast(ValueId from, DType to) const {
    Node node{.name = graph_.value(from).name + "_cast", .op_type = "Cast"};
    node.inputs = {from};
    node.attributes.set("to", static_cast<int64_t>(to));
    return node;
  }

  NodeId insert_after(NodeId id, Node node) {
    const auto& order = graph_.nodes();
    const auto next = std::find(order.begin(), order.end(), id) + 1;
    return next == order.end() ? edit_.append(std::move(node))
                               : edit_.insert_before(*next, std::move(node));
  }

  Graph& graph_;
  const GraphFacts& facts_;
  GraphEdit edit_;
  std::unordered_map<ValueId, ValueId> wide_; // the float32 form of values
  bool changed_ = false;
};
} // namespace

bool widen_floats(Graph& graph, const GraphFacts& facts) {
  return FloatWidener(graph, facts).run();
}

} // namespace octet
