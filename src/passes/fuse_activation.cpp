#include "passes/fuse_activation.h"

#include <optional>

#include "graph/edit.h"
#include "ops/registry.h"
#include "passes/match.h"

namespace octet {
namespace {
bool takes_activation(const Node& node) {
  if (node.domain != kLoweredDomain || node.attributes.has("activation")) return false;
  return node.op_type == "Conv" || node.op_type == "ConvTranspose" || node.op_type == "MatMul" ||
         node.op_type == "ConvIntegerToFloat" || node.op_type == "MatMulIntegerToFloat";
}

// Parameters of an activation node, or nothing when it is not one that an epilogue applies.
std::optional<std::vector<float>> activation_params(const Graph& graph, const Node& node) {
  if (!node.domain.empty()) return std::nullopt;
  const std::string& op = node.op_type;
  if (op == "Relu" || op == "Sigmoid" || op == "Tanh" || op == "HardSwish")
    return std::vector<float>{};
  if (op == "LeakyRelu") return std::vector<float>{node.attributes.get_float("alpha", 0.01f)};
  if (op == "HardSigmoid")
    return std::vector<float>{node.attributes.get_float("alpha", 0.2f),
                              node.attributes.get_float("beta", 0.5f)};
  if (op == "Swish") return std::vector<float>{node.attributes.get_float("alpha", 1)};
  if (op == "Gelu" && node.attributes.get_string("approximate", "none") == "none")
    return std::vector<float>{};
  if (op == "Clip")
    if (const auto bounds = clip_bounds(graph, node))
      return std::vector<float>{bounds->low, bounds->high};
  return std::nullopt;
}
} // namespace

void fuse_activation(Graph& graph) {
  const Uses uses(graph);
  GraphEdit edit(graph);
  for (NodeId id : std::vector<NodeId>(graph.nodes())) {
    if (!takes_activation(graph.node(id))) continue;
    const NodeId next = uses.only_reader(graph.node(id).outputs[0]);
    if (!next || graph.node(next).inputs[0] != graph.node(id).outputs[0]) continue;
    const auto params = activation_params(graph, graph.node(next));
    if (!params) continue;
    const ValueId out = graph.node(next).outputs[0];
    graph.node(id).attributes.set("activation", graph.node(next).op_type);
    graph.node(id).attributes.set("activation_params", *params);
    edit.remove_node(next);
    edit.produce(id, 0, out);
  }
}

} // namespace octet
