#include "quant/bias_correction.h"

#include "graph/edit.h"
#include "passes/match.h"

namespace octet {
namespace {
// The sum of a bias, if there is one, and the loss times `factor`.
Tensor corrected(const Tensor* bias, std::span<const float> loss, float factor) {
  std::vector<float> out;
  for (size_t i = 0; i < loss.size(); ++i)
    out.push_back((bias ? bias->values<float>()[i] : 0) + factor * loss[i]);
  return Tensor::of<float>({static_cast<int64_t>(loss.size())}, out);
}

void correct_operand(GraphScope& scope, NodeId id, std::span<const float> loss) {
  const Node& node = scope.graph->node(id);
  const ValueId bias = node.input(2);
  const Tensor* given = scope.constant(bias);
  if (bias && !is_bias(given, loss.size())) return;
  if (node.attributes.get_float("beta", 1) != 1) return;
  const std::string name = scope.graph->value(bias ? bias : node.outputs[0]).name;
  GraphEdit edit(*scope.graph);
  edit.set_input(id, 2,
                 edit.new_constant(name + "_corrected",
                                   corrected(given, loss, node.attributes.get_float("alpha", 1))));
}

void correct_sum(GraphScope& scope, ValueId results, std::span<const float> loss) {
  const std::vector<NodeId> readers = scope.graph->users(results);
  if (readers.size() != 1 || scope.graph->is_output(results)) return;
  const Node& sum = scope.graph->node(readers[0]);
  if (!is_op(sum, "Add")) return;
  const size_t input = sum.inputs[0] == results ? 1 : 0;
  const Tensor* given = scope.constant(sum.inputs[input]);
  if (!is_bias(given, loss.size())) return;
  GraphEdit edit(*scope.graph);
  edit.set_input(readers[0], input,
                 edit.new_constant(scope.graph->value(sum.inputs[input]).name + "_corrected",
                                   corrected(given, loss, 1)));
}
} // namespace

bool is_bias(const Tensor* constant, size_t channels) {
  return is_float(constant) && constant->shape().rank() == 1 && constant->elements() == channels;
}

void correct_bias(GraphScope& scope, NodeId product, std::span<const float> loss) {
  const Node& node = scope.graph->node(product);
  if (node.op_type == "MatMul")
    correct_sum(scope, node.outputs[0], loss);
  else
    correct_operand(scope, product, loss);
}

} // namespace octet
