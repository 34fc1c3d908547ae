#include "passes/fuse_activation.h"

#include <limits>
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

struct Activation {
  std::string name;
  std::vector<float> params = {};
};

// The number in a node of two operands, the other of which is x.
std::optional<float> number_beside(const Graph& graph, const Node& node, ValueId x) {
  if (node.inputs.size() != 2 || node.inputs[0] == node.inputs[1]) return std::nullopt;
  return scalar_constant(graph, other_input(node, x));
}

// Max(x, c) and Min(x, c).
std::optional<Activation> bound(const Graph& graph, const Node& node, ValueId x) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const auto number = number_beside(graph, node, x);
  if (!number) return std::nullopt;
  return node.op_type == "Max" ? Activation{"Clip", {*number, kInfinity}}
                               : Activation{"Clip", {-kInfinity, *number}};
}

// Parameters of an activation node, or nothing when it is not one that an epilogue applies.
std::optional<std::vector<float>> activation_params(const Graph& graph, const Node& node) {
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

// Of a HardSwish, the form that it has.
std::string activation_name(const Node& node) {
  const bool divides =
      is_op(node, "HardSwish") && node.attributes.get_string("form", "") == "relu6";
  return divides ? "Relu6Swish" : node.op_type;
}

bool is_hard_swish(const Activation& activation) {
  return activation.name == "HardSwish" || activation.name == "Relu6Swish";
}

// What a node that reads x does to it.
std::optional<Activation> activation_of(const Graph& graph, const Node& node, ValueId x) {
  if (!node.domain.empty()) return std::nullopt;
  if (node.op_type == "Max" || node.op_type == "Min") return bound(graph, node, x);
  if (node.inputs[0] != x) return std::nullopt;
  auto params = activation_params(graph, node);
  if (!params) return std::nullopt;
  return Activation{activation_name(node), std::move(*params)};
}

class ActivationFuser {
public:
  explicit ActivationFuser(Graph& graph) : graph_(graph), uses_(graph), edit_(graph) {}

  void fuse_into(NodeId producer) {
    const ValueId x = graph_.node(producer).outputs[0];
    const NodeId reader = uses_.only_reader(x);
    auto activation = reader ? activation_of(graph_, graph_.node(reader), x) : std::nullopt;
    if (!activation) return;
    ValueId out = take(reader);
    if (is_hard_swish(*activation)) out = take_scale_and_shift(*activation, out);
    if (activation->name == "LeakyRelu") out = take_least(*activation, out);
    graph_.node(producer).attributes.set("activation", activation->name);
    graph_.node(producer).attributes.set("activation_params", activation->params);
    edit_.produce(producer, 0, out);
  }

private:
  // Removes a node, whose result the producer is to give.
  ValueId take(NodeId id) {
    const ValueId out = graph_.node(id).outputs[0];
    edit_.remove_node(id);
    return out;
  }

  // The number that alone follows x in a node of this operator.
  std::optional<float> number_in(NodeId reader, std::string_view op_type, ValueId x) const {
    if (!reader || !is_op(graph_.node(reader), op_type)) return std::nullopt;
    return number_beside(graph_, graph_.node(reader), x);
  }

  ValueId take_scale_and_shift(Activation& hard_swish, ValueId x) {
    NodeId reader = uses_.only_reader(x);
    const auto scale = number_in(reader, "Mul", x);
    if (scale) x = take(reader);
    reader = uses_.only_reader(x);
    const auto shift = number_in(reader, "Add", x);
    if (shift) x = take(reader);
    if (scale || shift)
      hard_swish = {"Scaled" + hard_swish.name, {scale.value_or(1), shift.value_or(0)}};
    return x;
  }

  // What is the least y of a function that rises is an x as well.
  ValueId take_least(Activation& leaky_relu, ValueId x) {
    const NodeId reader = uses_.only_reader(x);
    const auto least = number_in(reader, "Max", x);
    const float slope = leaky_relu.params[0];
    if (!least || !(slope > 0)) return x;
    leaky_relu.params.push_back(*least < 0 ? *least / slope : *least);
    return take(reader);
  }

  Graph& graph_;
  const Uses uses_;
  GraphEdit edit_;
};
} // namespace

void fuse_activation(Graph& graph) {
  ActivationFuser fuser(graph);
  for (NodeId id : std::vector<NodeId>(graph.nodes()))
    if (takes_activation(graph.node(id))) fuser.fuse_into(id);
}

} // namespace octet
