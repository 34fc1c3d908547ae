#include "passes/pipeline.h"

#include "graph/edit.h"
#include "passes/chain_codes.h"
#include "passes/choose_layout.h"
#include "passes/fold_constants.h"
#include "passes/fold_log2.h"
#include "passes/fold_qdq.h"
#include "passes/fold_scale_shift.h"
#include "passes/fuse_activation.h"
#include "passes/fuse_attention.h"
#include "passes/fuse_bias.h"
#include "passes/fuse_integer_scale.h"
#include "passes/fuse_lookup.h"
#include "passes/fuse_pool.h"
#include "passes/recognise_functions.h"
#include "passes/remove_identity.h"
#include "passes/spell_out.h"
#include "passes/unfold_qlinear.h"
#include "passes/widen_floats.h"

namespace octet {
namespace {
using CanonicalPass = void (*)(Graph&);
constexpr CanonicalPass kCanonicalPasses[] = {remove_identity, fold_scale_shift};

CapturedConstants constants_captured_by(const Graph& graph, const CapturedConstants& captured,
                                        const Node& node) {
  CapturedConstants out;
  for (ValueId id : node.captures) out.push_back(known_constant(graph, captured, id));
  return out;
}

void canonicalize_subgraphs(Graph& graph, const CapturedConstants& captured) {
  for (NodeId id : graph.nodes())
    for (const auto& subgraph : subgraphs_of(graph.node(id).attributes))
      canonicalize(*subgraph, constants_captured_by(graph, captured, graph.node(id)));
}

// What the enclosing graph knows of a captured value is a constant here.
void bind_known_captures(Graph& graph, std::span<const ValueFact* const> inputs) {
  GraphEdit edit(graph);
  const size_t first = graph.inputs().size();
  for (size_t i = 0; i < graph.captures().size(); ++i)
    if (const auto& value = inputs[first + i]->value)
      edit.make_constant(graph.captures()[i], *value);
}
} // namespace

void canonicalize(Graph& graph, const CapturedConstants& captured) {
  fold_constants(graph, captured);
  for (CanonicalPass pass : kCanonicalPasses) {
    pass(graph);
    GraphEdit(graph).remove_dead();
  }
  canonicalize_subgraphs(graph, captured);
  GraphEdit(graph).remove_dead();
}

void lower(Graph& graph, std::span<const ValueFact* const> inputs, SubgraphHost& host) {
  bind_known_captures(graph, inputs);
  spell_out(graph);
  fold_constants(graph);
  unfold_qlinear(graph);
  recognise_functions(graph);
  fold_log2(graph);
  GraphFacts facts = propagate(graph, inputs, &host);
  if (widen_floats(graph, facts)) {
    GraphEdit(graph).remove_dead();
    facts = propagate(graph, inputs, &host);
  }
  fold_qdq(graph);
  chain_codes(graph, facts);
  fuse_lookup(graph);
  fuse_integer_scale(graph, facts);
  unfold_weights(graph);
  fuse_attention(graph, facts);
  choose_layout(graph, facts);
  fuse_bias(graph);
  fuse_activation(graph);
  fuse_pool(graph);
  GraphEdit(graph).remove_dead();
}

} // namespace octet
