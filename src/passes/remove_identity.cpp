#include "passes/remove_identity.h"

#include "graph/edit.h"
#include "passes/match.h"

namespace octet {
namespace {
bool is_identity(const Graph& graph, const Node& node) {
  if (is_op(node, "Identity")) return true;
  const bool training = node.inputs.size() > 2 && node.inputs[2];
  const bool mask_used =
      node.outputs.size() > 1 && node.outputs[1] && graph.value(node.outputs[1]).uses > 0;
  return is_op(node, "Dropout") && !training && !mask_used;
}
} // namespace

void remove_identity(Graph& graph) {
  GraphEdit edit(graph);
  for (NodeId id : graph.nodes()) {
    const Node& node = graph.node(id);
    if (is_identity(graph, node) && edit.replace_uses(node.outputs[0], node.inputs[0]))
      edit.remove_node(id);
  }
}

} // namespace octet
