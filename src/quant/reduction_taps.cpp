#include "quant/reduction_taps.h"

#include "graph/edit.h"

namespace octet {

std::optional<size_t> ReductionTaps::place(const GraphScope& scope, NodeId id, size_t columns,
                                           size_t groups) {
  Graph& graph = *scope.graph;
  const Node node = graph.node(id);
  const bool is_conv = node.op_type == "Conv";
  if (is_conv && scope.constant(node.inputs[1])->shape().rank() > 4) return std::nullopt;
  const auto key = std::tuple(&graph, node.inputs[0], columns);
  if (const auto known = shared_.find(key); !is_conv && known != shared_.end())
    return known->second;
  const std::string name = graph.value(node.inputs[0]).name;
  const size_t tap = sink_.add_taps(name, columns, groups);
  if (!is_conv) shared_[key] = tap;
  Node observe{.name = name + "_observe", .op_type = "ObserveReductions", .domain = "octet"};
  observe.inputs = {node.inputs[0]};
  if (is_conv) {
    observe.inputs.push_back(node.inputs[1]);
    observe.attributes = node.attributes;
  }
  observe.attributes.set("tap", static_cast<int64_t>(tap));
  GraphEdit edit(graph);
  const NodeId observer = edit.insert_before(id, std::move(observe));
  const ValueId out = edit.new_value(name + "_observed");
  edit.produce(observer, 0, out);
  edit.set_input(id, 0, out);
  observers_[&graph].push_back(observer);
  return tap;
}

void ReductionTaps::take_out() {
  for (auto& [graph, nodes] : observers_) {
    GraphEdit edit(*graph);
    for (NodeId id : nodes) {
      edit.replace_uses(graph->node(id).outputs[0], graph->node(id).inputs[0]);
      edit.remove_node(id);
    }
  }
  observers_.clear();
}

} // namespace octet
