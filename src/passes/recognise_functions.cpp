#include "passes/recognise_functions.h"

#include <cmath>
#include <limits>
#include <optional>

#include "graph/edit.h"
#include "passes/match.h"

namespace octet {
namespace {
// One attempt to match the expression that ends in `node`. Inner values must have no reader outside
// of the pattern, else nothing would be saved.
class Matcher {
public:
  using Part = std::optional<ValueId> (Matcher::*)(ValueId) const;

  explicit Matcher(const Graph& graph) : graph_(graph) {}

  // The operand of a binary node that is not the scalar `expected`, whichever side that is on.
  std::optional<ValueId> beside_scalar(const Node& node, float expected) const {
    if (node.inputs.size() != 2) return std::nullopt;
    for (size_t i = 0; i < 2; ++i)
      if (is_scalar(graph_, node.inputs[i], expected)) return node.inputs[1 - i];
    return std::nullopt;
  }

  // The producer of an inner value, when it is of this operator and `reads` reads of the value are
  // all.
  const Node* inner(ValueId id, std::string_view op_type, uint32_t reads = 1) const {
    const Node* node = producer(graph_, id, op_type);
    return node && graph_.value(id).uses == reads && !graph_.is_output(id) ? node : nullptr;
  }

  // x of clip(x + 3, 0, 6)
  std::optional<ValueId> relu6_shifted(ValueId id) const {
    const Node* clip = inner(id, "Clip");
    if (!clip || !clips(*clip, 0, 6)) return std::nullopt;
    const Node* add = inner(clip->inputs[0], "Add");
    return add ? beside_scalar(*add, 3) : std::nullopt;
  }

  // x and the slope of HardSigmoid(x) = clip(slope * x + 0.5, 0, 1) at slope 1/6, in either
  // spelling
  std::optional<ValueId> hard_sigmoid(ValueId id) const {
    if (const Node* node = inner(id, "HardSigmoid"))
      return is_sixth(*node) ? std::optional(node->inputs[0]) : std::nullopt;
    if (const Node* node = inner(id, "Div"))
      return is_scalar(graph_, node->inputs[1], 6) ? relu6_shifted(node->inputs[0]) : std::nullopt;
    if (const Node* node = inner(id, "Mul"))
      if (const auto x = beside_scalar(*node, 1.0f / 6)) return relu6_shifted(*x);
    return std::nullopt;
  }

  // x of x * clip(x + 3, 0, 6) / 6, computed in this order
  std::optional<ValueId> relu6_swish(const Node& node) const {
    if (!is_op(node, "Div") || !is_scalar(graph_, node.inputs[1], 6)) return std::nullopt;
    return times_itself(node.inputs[0], &Matcher::relu6_shifted);
  }

  std::optional<ValueId> hard_swish(const Node& node) const {
    if (is_op(node, "Mul")) {
      if (const auto product = beside_scalar(node, 1.0f / 6))
        return times_itself(*product, &Matcher::relu6_shifted);
      return factor_of(node, &Matcher::hard_sigmoid);
    }
    return std::nullopt;
  }

  std::optional<ValueId> sigmoid(ValueId id) const {
    const Node* node = inner(id, "Sigmoid");
    return node ? std::optional(node->inputs[0]) : std::nullopt;
  }

  std::optional<ValueId> swish(const Node& node) const {
    return is_op(node, "Mul") ? factor_of(node, &Matcher::sigmoid) : std::nullopt;
  }

  // x of 1 + erf(x / sqrt(2))
  std::optional<ValueId> one_plus_erf(ValueId id) const {
    const Node* add = inner(id, "Add");
    const auto erf_value = add ? beside_scalar(*add, 1) : std::nullopt;
    const Node* erf = erf_value ? inner(*erf_value, "Erf") : nullptr;
    if (!erf) return std::nullopt;
    if (const Node* div = inner(erf->inputs[0], "Div"))
      return is_scalar(graph_, div->inputs[1], std::sqrt(2.0f)) ? std::optional(div->inputs[0])
                                                                : std::nullopt;
    const Node* mul = inner(erf->inputs[0], "Mul");
    return mul ? beside_scalar(*mul, std::sqrt(0.5f)) : std::nullopt;
  }

  // x of 1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x³))
  std::optional<ValueId> one_plus_tanh(ValueId id) const {
    const Node* add = inner(id, "Add");
    const auto tanh_value = add ? beside_scalar(*add, 1) : std::nullopt;
    const Node* tanh = tanh_value ? inner(*tanh_value, "Tanh") : nullptr;
    const Node* mul = tanh ? inner(tanh->inputs[0], "Mul") : nullptr;
    const auto sum_value = mul ? beside_scalar(*mul, 0.7978845608f) : std::nullopt;
    const Node* sum = sum_value ? inner(*sum_value, "Add") : nullptr;
    for (size_t i = 0; sum && i < 2; ++i) {
      const Node* term = inner(sum->inputs[1 - i], "Mul");
      const auto cube_value = term ? beside_scalar(*term, 0.044715f) : std::nullopt;
      const Node* cube = cube_value ? inner(*cube_value, "Pow") : nullptr;
      if (cube && is_scalar(graph_, cube->inputs[1], 3) && cube->inputs[0] == sum->inputs[i])
        return sum->inputs[i];
    }
    return std::nullopt;
  }

  // Three factors, multiplied in any order: x, 1 + erf or 1 + tanh of it, 0.5
  std::optional<ValueId> gelu(const Node& node, Part one_plus) const {
    if (!is_op(node, "Mul")) return std::nullopt;
    if (const auto product = beside_scalar(node, 0.5f)) return times_itself(*product, one_plus);
    for (size_t i = 0; i < 2; ++i) {
      const Node* half = inner(node.inputs[i], "Mul");
      const auto x = half ? beside_scalar(*half, 0.5f) : std::nullopt;
      if (x && (this->*one_plus)(node.inputs[1 - i]) == x) return x;
    }
    return std::nullopt;
  }
  std::optional<ValueId> gelu(const Node& node) const { return gelu(node, &Matcher::one_plus_erf); }
  std::optional<ValueId> gelu_tanh(const Node& node) const {
    return gelu(node, &Matcher::one_plus_tanh);
  }

  struct LayerNorm {
    ValueId x, scale, bias;
    float epsilon = 0;
  };

  // (x − mean) / sqrt(mean((x − mean)²) + ε) * scale + bias
  std::optional<LayerNorm> layer_norm(const Node& add) const {
    if (!is_op(add, "Add")) return std::nullopt;
    const auto bias = constant_operand(graph_, add);
    const Node* mul = bias ? inner(bias->data, "Mul") : nullptr;
    const auto scale = mul ? constant_operand(graph_, *mul) : std::nullopt;
    const Node* div = scale ? inner(scale->data, "Div") : nullptr;
    if (!div) return std::nullopt;
    const Node* sqrt = inner(div->inputs[1], "Sqrt");
    const Node* eps_add = sqrt ? inner(sqrt->inputs[0], "Add") : nullptr;
    const auto epsilon = eps_add ? constant_operand(graph_, *eps_add) : std::nullopt;
    const Node* variance = epsilon ? inner(epsilon->data, "ReduceMean") : nullptr;
    const Node* square =
        variance && over_last_axis(*variance) ? squared(variance->inputs[0]) : nullptr;
    if (!square || epsilon->constant->elements() != 1) return std::nullopt;
    const Node* sub = producer(graph_, square->inputs[0], "Sub");
    const Node* mean =
        sub && square->inputs[0] == div->inputs[0] ? inner(sub->inputs[1], "ReduceMean") : nullptr;
    if (!mean || !over_last_axis(*mean) || mean->inputs[0] != sub->inputs[0]) return std::nullopt;
    if (scale->constant->shape().rank() != 1 || bias->constant->shape() != scale->constant->shape())
      return std::nullopt;
    return LayerNorm{sub->inputs[0], other_input(*mul, scale->data), other_input(add, bias->data),
                     epsilon->constant->values<float>()[0]};
  }

private:
  // x of x * part(x), for a Mul node
  std::optional<ValueId> factor_of(const Node& mul, Part part) const {
    for (size_t i = 0; i < 2; ++i) {
      const auto x = (this->*part)(mul.inputs[i]);
      if (x && *x == mul.inputs[1 - i]) return x;
    }
    return std::nullopt;
  }

  // x of x * part(x), where `id` is an inner product
  std::optional<ValueId> times_itself(ValueId id, Part part) const {
    const Node* mul = inner(id, "Mul");
    return mul ? factor_of(*mul, part) : std::nullopt;
  }

  bool clips(const Node& clip, float low, float high) const {
    if (clip.inputs.size() == 1)
      return clip.attributes.get_float("min", NAN) == low &&
             clip.attributes.get_float("max", NAN) == high;
    return clip.inputs.size() == 3 && scalar_constant(graph_, clip.inputs[1]) == low &&
           scalar_constant(graph_, clip.inputs[2]) == high;
  }

  static bool is_sixth(const Node& hard_sigmoid) {
    const float alpha = hard_sigmoid.attributes.get_float("alpha", 0.2f);
    return std::abs(alpha - 1.0f / 6) < 1e-4f &&
           hard_sigmoid.attributes.get_float("beta", 0.5f) == 0.5f;
  }

  // d of pow(d, 2) or d * d
  const Node* squared(ValueId id) const {
    if (const Node* pow = inner(id, "Pow"))
      return is_scalar(graph_, pow->inputs[1], 2) ? pow : nullptr;
    const Node* mul = inner(id, "Mul");
    return mul && mul->inputs[0] == mul->inputs[1] ? mul : nullptr;
  }

  bool over_last_axis(const Node& reduce) const {
    auto axes = reduce.attributes.get_ints("axes");
    if (reduce.inputs.size() > 1 && graph_.constant(reduce.inputs[1]))
      axes = int64_values(*graph_.constant(reduce.inputs[1]), "ReduceMean");
    return reduce.attributes.get_int("keepdims", 1) == 1 && axes == std::vector<int64_t>{-1};
  }

  const Graph& graph_;
};
} // namespace

namespace {
// Replaces what `opset` has an operator for; `execution_only`: by nodes that no file may have.
void recognise(Graph& graph, int64_t opset, bool execution_only) {
  constexpr int64_t kHardSwish = 14, kLayerNorm = 17, kGelu = 20, kSwish = 24;
  const Matcher match(graph);
  GraphEdit edit(graph);
  const auto unary = [&](NodeId id, std::string_view op_type, ValueId x) {
    edit.replace_node(id, {.op_type = std::string(op_type), .inputs = {x}});
  };
  for (NodeId id : std::vector<NodeId>(graph.nodes())) {
    const Node& node = graph.node(id);
    if (const auto x = match.hard_swish(node); x && opset >= kHardSwish) {
      unary(id, "HardSwish", *x);
    } else if (const auto r = match.relu6_swish(node); r && opset >= kHardSwish) {
      Node swish{.op_type = "HardSwish", .inputs = {*r}};
      if (execution_only) swish.attributes.set("form", "relu6");
      edit.replace_node(id, std::move(swish));
    } else if (const auto y = match.swish(node); y && opset >= kSwish) {
      unary(id, "Swish", *y);
    } else if (const auto z = match.gelu(node); z && opset >= kGelu) {
      unary(id, "Gelu", *z);
    } else if (const auto t = match.gelu_tanh(node); t && opset >= kGelu) {
      Node gelu{.op_type = "Gelu", .inputs = {*t}};
      gelu.attributes.set("approximate", "tanh");
      edit.replace_node(id, std::move(gelu));
    } else if (const auto norm = match.layer_norm(node); norm && opset >= kLayerNorm) {
      Node fused{.op_type = "LayerNormalization", .inputs = {norm->x, norm->scale, norm->bias}};
      fused.attributes.set("epsilon", norm->epsilon);
      edit.replace_node(id, std::move(fused));
    }
  }
  edit.remove_dead();
}
} // namespace

void recognise_functions(Graph& graph) {
  recognise(graph, std::numeric_limits<int64_t>::max(), true);
}

void recognise_standard_functions(Graph& graph) {
  recognise(graph, graph.model.opset(""), false);
  for (NodeId id : graph.nodes())
    for (const auto& subgraph : subgraphs_of(graph.node(id).attributes))
      recognise_standard_functions(*subgraph);
}

} // namespace octet
