#include "quant/scopes.h"

#include <algorithm>
#include <unordered_set>

#include "base/error.h"

namespace octet {
namespace {
bool contains(const std::vector<std::string>& list, const std::string& text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

std::unordered_map<ValueId, Tensor> captured_constants(const GraphScope& scope, const Node& node,
                                                       const Graph& subgraph) {
  std::unordered_map<ValueId, Tensor> out;
  for (size_t i = 0; i < node.captures.size(); ++i)
    if (const Tensor* constant = scope.constant(node.captures[i]))
      out.emplace(subgraph.captures()[i], *constant);
  return out;
}
} // namespace

const Tensor* GraphScope::constant(ValueId id) const {
  if (!id) return nullptr;
  if (const Tensor* own = graph->constant(id)) return own;
  const auto found = outer.find(id);
  return found == outer.end() ? nullptr : &found->second;
}

std::vector<GraphScope> scopes_of(Graph& graph) {
  std::vector<GraphScope> scopes;
  scopes.push_back({&graph});
  for (size_t i = 0; i < scopes.size(); ++i) {
    const GraphScope scope = scopes[i];
    for (NodeId id : scope.graph->nodes())
      for (const auto& subgraph : subgraphs_of(scope.graph->node(id).attributes))
        scopes.push_back(
            {subgraph.get(), captured_constants(scope, scope.graph->node(id), *subgraph)});
  }
  return scopes;
}

bool is_float(const Tensor* constant) {
  return constant && constant->dtype() == DType::Float32;
}

std::string exclusion(const Node& node, const QuantizeConfig& config) {
  if (contains(config.exclude_nodes, node.name)) return "excluded by the options";
  if (!config.op_types.empty() && !contains(config.op_types, node.op_type))
    return "its operator type is not among the chosen ones";
  return {};
}

void make_node_names_unique(Graph& graph) {
  for (const GraphScope& scope : scopes_of(graph)) {
    std::vector<NodeId> by_age = scope.graph->nodes();
    std::sort(by_age.begin(), by_age.end(), [](NodeId a, NodeId b) { return a.index < b.index; });
    std::unordered_set<std::string> taken;
    for (NodeId id : by_age) {
      std::string& name = scope.graph->node(id).name;
      if (name.empty()) continue;
      const std::string hint = name;
      for (size_t i = 2; !taken.insert(name).second; ++i) name = concat(hint, "_", i);
    }
  }
}

void import_opset(Graph& graph, std::string_view domain, int64_t version) {
  if (graph.model.opset(domain) == 0) graph.model.opsets.push_back({std::string(domain), version});
}

} // namespace octet
