#include "api/session.h"

#include "graph/edit.h"
#include "ops/registry.h"
#include "passes/expand_gradient.h"
#include "passes/pipeline.h"
#include "passes/take_images.h"

namespace octet {
namespace {
void check_operators(const Graph& graph) {
  for (NodeId id : graph.nodes()) {
    op_of(graph.node(id));
    for (const auto& subgraph : subgraphs_of(graph.node(id).attributes)) check_operators(*subgraph);
  }
}

void add_outputs(Graph& graph, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    ValueId found;
    for (size_t i = 0; i < graph.value_count() && !found; ++i)
      if (graph.value(ValueId(i)).name == name) found = ValueId(i);
    if (!found) fail(ErrorCode::InvalidInput, "the model has no value '", name, "'");
    if (!graph.is_output(found)) graph.add_output(found);
  }
}
} // namespace

std::unique_ptr<Session> create_session(std::unique_ptr<Graph> graph, CreateOptions options) {
  check_opset(graph->model);
  add_outputs(*graph, options.extra_outputs);
  take_images(*graph);
  expand_gradient(*graph);
  if (options.optimize) canonicalize(*graph);
  check_operators(*graph);
  return std::make_unique<Session>(std::move(graph), lower, std::move(options.session));
}

} // namespace octet
