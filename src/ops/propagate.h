// Carries facts (types, concrete shapes, small known values) from a graph's inputs to every value.
#pragma once

#include <vector>

#include "ops/op_def.h"

namespace octet {

// One fact per value slot of a graph.
class GraphFacts {
public:
  // `inputs`: facts of the graph's inputs followed by its captures.
  GraphFacts(const Graph& graph, std::span<const ValueFact* const> inputs);

  // Values added to the graph since have none, unless they are told.
  void add(ValueId id, ValueFact fact) {
    if (!covers(id)) facts_.resize(id.index + 1);
    facts_[id.index] = std::move(fact);
  }
  bool covers(ValueId id) const { return id.index < facts_.size(); }
  const ValueFact& operator[](ValueId id) const { return facts_[id.index]; }
  ValueFact& operator[](ValueId id) { return facts_[id.index]; }
  // Null for an absent optional.
  const ValueFact* find(ValueId id) const { return id ? &facts_[id.index] : nullptr; }
  std::vector<const ValueFact*> find_all(std::span<const ValueId> ids) const;

private:
  std::vector<ValueFact> facts_;
};

// What a plan for values of these types and shapes may rely on. Sequences, maps and empty optionals
// have no shape to plan with.
std::vector<ValueFact> facts_to_plan(std::span<const Tensor> values);

// Infers node after node. A node with an input whose shape is not known yields unknown outputs; a
// node with only known inputs is evaluated when its result is small, so chains of shape arithmetic
// become known.
GraphFacts propagate(const Graph& graph, std::span<const ValueFact* const> inputs,
                     SubgraphHost* host);

} // namespace octet
