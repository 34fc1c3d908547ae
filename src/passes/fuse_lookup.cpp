#include "passes/fuse_lookup.h"

#include <algorithm>

#include "base/error.h"
#include "graph/edit.h"
#include "ops/integer_operands.h"
#include "ops/registry.h"
#include "passes/match.h"

namespace octet {
namespace {
// The product that yields the codes which a node reads, nobody else does, and no function is part
// of.
const Node* plain_product(const Graph& graph, ValueId codes) {
  if (graph.value(codes).uses != 1 || !graph.value(codes).producer) return nullptr;
  const Node& node = graph.node(graph.value(codes).producer);
  const bool is_product = is_op(node, "ConvIntegerToCodes", kLoweredDomain) ||
                          is_op(node, "MatMulIntegerToCodes", kLoweredDomain);
  return is_product && !node.attributes.has("activation") ? &node : nullptr;
}

// The Shift that makes bytes of codes, when it is their only reader.
NodeId narrowing_reader(const Graph& graph, const Uses& uses, ValueId codes) {
  const NodeId reader = uses.only_reader(codes);
  if (!reader) return {};
  const Node& node = graph.node(reader);
  return is_op(node, "Shift", kLoweredDomain) && node.attributes.has("to") ? reader : NodeId();
}

// The product with the function of a Lookup behind it.
Node with_function(const Node& product, const Node& lookup) {
  Node made = product;
  made.name = lookup.name;
  made.outputs.clear();
  for (const char* name : {"low", "high"})
    made.attributes.set(concat("inner_", name), product.attributes.get_int(name, 0));
  made.attributes.set("inner_scale", product.attributes.get_float("y_scale", 1));
  for (const auto& [name, value] : lookup.attributes)
    if (name != "table" && name != "first") made.attributes.set(name, value);
  return made;
}

// Whether a product makes of its inner codes what the table does.
bool follows(const Node& product, const Node& lookup) {
  const std::vector<int64_t> table = lookup.attributes.get_ints("table");
  const std::vector<int64_t> made = codes_of_inner_codes(product.attributes);
  const int64_t skipped =
      product.attributes.get_int("inner_low", 0) - lookup.attributes.get_int("first", 0);
  if (skipped < 0 || static_cast<size_t>(skipped) + made.size() > table.size()) return false;
  return std::equal(made.begin(), made.end(), table.begin() + skipped);
}
} // namespace

void fuse_lookup(Graph& graph) {
  const Uses uses(graph);
  GraphEdit edit(graph);
  for (NodeId id : std::vector<NodeId>(graph.nodes())) {
    const Node& lookup = graph.node(id);
    if (!is_op(lookup, "Lookup", kLoweredDomain) || !lookup.attributes.has("activation")) continue;
    const Node* product = plain_product(graph, lookup.inputs[0]);
    if (!product) continue;
    Node made = with_function(*product, lookup);
    if (!follows(made, lookup)) continue;
    const NodeId narrowing = narrowing_reader(graph, uses, lookup.outputs[0]);
    if (narrowing)
      for (const char* name : {"zero_point", "to"})
        made.attributes.set(name, graph.node(narrowing).attributes.get_int(name, 0));
    edit.replace_node(narrowing ? narrowing : id, std::move(made));
  }
  edit.remove_dead();
}

} // namespace octet
