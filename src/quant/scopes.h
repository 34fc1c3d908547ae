// The graphs that a quantizer works on: the main graph and its subgraphs.
#pragma once

#include <unordered_map>
#include <vector>

#include "graph/graph.h"
#include "quant/config.h"

namespace octet {

struct GraphScope {
  Graph* graph;
  // Captured values that stand for initializers of an enclosing graph.
  std::unordered_map<ValueId, Tensor> outer = {};

  // The constant that a value stands for, or null.
  const Tensor* constant(ValueId id) const;
};

// The graph, followed by all its subgraphs, each after the one that encloses it.
std::vector<GraphScope> scopes_of(Graph& graph);

// Whether there is such a constant, of float32.
bool is_float(const Tensor* constant);

// Empty, or why the options leave a node alone.
std::string exclusion(const Node& node, const QuantizeConfig& config);

// Renames nodes of the graph and its subgraphs whose name an older node of the same graph has: what
// one quantization adds may be called like what another one added before.
void make_node_names_unique(Graph& graph);

// Lets a graph use operators of a domain, unless it may already.
void import_opset(Graph& graph, std::string_view domain, int64_t version);

} // namespace octet
