#include "passes/fuse_bias.h"

#include "graph/edit.h"
#include "ops/registry.h"
#include "passes/match.h"

namespace octet {
namespace {
// One value per column, of a rank that adds no dims to the product.
bool is_row(const Tensor* bias, int64_t columns, size_t highest_rank) {
  return bias && bias->dtype() == DType::Float32 &&
         bias->elements() == static_cast<size_t>(columns) && bias->shape().rank() >= 1 &&
         bias->shape().rank() <= highest_rank && bias->shape().back() == columns;
}

const Tensor* float_matrix(const Graph& graph, ValueId id) {
  const Tensor* b = graph.constant(id);
  return b && b->dtype() == DType::Float32 && b->shape().rank() == 2 ? b : nullptr;
}

// Replaces the last node of a matched chain by the lowered MatMul.
void replace(GraphEdit& edit, NodeId last, std::vector<ValueId> inputs, Attributes attributes) {
  edit.replace_node(last, {.op_type = "MatMul",
                           .domain = std::string(kLoweredDomain),
                           .inputs = std::move(inputs),
                           .attributes = std::move(attributes)});
}

void lower_matmul(GraphEdit& edit, const Uses& uses, NodeId id) {
  const Graph& graph = edit.graph();
  const Node node = graph.node(id);
  const Tensor* b = float_matrix(graph, node.inputs[1]);
  if (!b) return;
  const NodeId next = uses.only_reader(node.outputs[0]);
  const bool adds = next && is_op(graph.node(next), "Add") && !edit.removed(next);
  const ValueId bias = adds ? other_input(graph.node(next), node.outputs[0]) : ValueId();
  if (!bias || !is_row(graph.constant(bias), b->shape()[1], 1))
    return replace(edit, id, node.inputs, {});
  edit.remove_node(id);
  replace(edit, next, {node.inputs[0], node.inputs[1], bias}, {});
}

void lower_gemm(GraphEdit& edit, NodeId id) {
  const Graph& graph = edit.graph();
  const Node node = graph.node(id);
  const Tensor* b = float_matrix(graph, node.inputs[1]);
  const bool trans_b = node.attributes.get_int("transB", 0) != 0;
  const bool has_bias = node.inputs.size() > 2 && node.inputs[2];
  const bool plain = node.attributes.get_int("transA", 0) == 0 &&
                     node.attributes.get_float("alpha", 1) == 1 &&
                     (!has_bias || node.attributes.get_float("beta", 1) == 1);
  if (!b || !plain ||
      (has_bias && !is_row(graph.constant(node.inputs[2]), b->shape()[trans_b ? 0 : 1], 2)))
    return;
  Attributes attributes;
  attributes.set("transB", int64_t{trans_b});
  replace(edit, id, node.inputs, std::move(attributes));
}
} // namespace

void fuse_bias(Graph& graph) {
  const Uses uses(graph);
  GraphEdit edit(graph);
  for (NodeId id : std::vector<NodeId>(graph.nodes())) {
    if (is_op(graph.node(id), "MatMul"))
      lower_matmul(edit, uses, id);
    else if (is_op(graph.node(id), "Gemm"))
      lower_gemm(edit, id);
  }
}

} // namespace octet
