#include "api/session.h"

#include "ops/registry.h"
#include "passes/compare_models.h"
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
} // namespace

std::unique_ptr<Session> create_session(std::unique_ptr<Graph> graph, CreateOptions options) {
  check_opset(graph->model);
  take_images(*graph);
  expand_gradient(*graph);
  if (options.optimize) canonicalize(*graph);
  check_operators(*graph);
  return std::make_unique<Session>(std::move(graph), lower, std::move(options.session));
}

std::unique_ptr<Session> create_comparison(std::unique_ptr<Graph> reference,
                                           std::unique_ptr<Graph> candidate, bool with_layers,
                                           SessionOptions options) {
  for (Graph* graph : {reference.get(), candidate.get()}) {
    check_opset(graph->model);
    expand_gradient(*graph);
  }
  auto both = std::make_unique<Graph>(compare_models(*reference, *candidate, with_layers));
  return create_session(std::move(both), {.session = std::move(options)});
}

} // namespace octet
