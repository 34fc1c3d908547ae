#include "quant/absorb_scales.h"

#include <algorithm>
#include <functional>
#include <optional>

#include "graph/edit.h"
#include "passes/match.h"

namespace octet {
namespace {
// What an operand of a node is going to be.
struct Change {
  NodeId node;
  size_t input;
  Tensor constant;
};

class Absorber {
public:
  Absorber(GraphScope& scope, std::span<const float> scales, const QuantizeConfig& config)
      : graph_(*scope.graph), scales_(scales), config_(config) {}

  bool run(ValueId value, std::span<const NodeId> readers) {
    if (!is_read_by(value, readers) || !divide(value)) return false;
    GraphEdit edit(graph_);
    for (Change& change : changes_) {
      const std::string name = graph_.value(graph_.node(change.node).inputs[change.input]).name;
      edit.set_input(change.node, change.input,
                     edit.new_constant(name + "_smoothed", std::move(change.constant)));
    }
    return true;
  }

private:
  using Operation = float (*)(float, float);

  // Whether no other nodes read a value than these and such as ask for its shape.
  bool is_read_by(ValueId value, std::span<const NodeId> readers) const {
    if (graph_.is_output(value)) return false;
    const std::vector<NodeId> users = graph_.users(value);
    return std::all_of(users.begin(), users.end(), [&](NodeId user) {
      return std::find(readers.begin(), readers.end(), user) != readers.end() ||
             is_op(graph_.node(user), "Shape");
    });
  }

  // Notes the changes that divide a value which may change. False when there are none; some may be
  // noted all the same.
  bool divide(ValueId value) {
    const NodeId id = graph_.value(value).producer;
    if (!id || graph_.node(id).outputs[0] != value) return false;
    const Node& node = graph_.node(id);
    if (!node.domain.empty()) return false;
    const std::string& op = node.op_type;
    if (op == "LayerNormalization" || op == "RMSNormalization") return divide_norm(id);
    if (op == "MatMul") return divide_columns(id, true);
    if (op == "Gemm") return divide_gemm(id);
    if (op == "Add" || op == "Sub") return divide_sum(id);
    if (op == "Mul") return divide_product(id);
    if (op == "Div") return divide_quotient(id);
    if (op == "Relu" || op == "LeakyRelu") return divide_operand(id, 0);
    return op == "Reshape" && divide_reshaped(id);
  }

  // The same of an operand that only `id` reads, once.
  bool divide_operand(NodeId id, size_t input) {
    const ValueId operand = graph_.node(id).inputs[input];
    const auto& inputs = graph_.node(id).inputs;
    return std::count(inputs.begin(), inputs.end(), operand) == 1 &&
           is_read_by(operand, {&id, 1}) && divide(operand);
  }

  // Notes that a constant of one value per channel, or of one for all where `also_single`, becomes
  // operation(value, scale).
  bool change(NodeId id, size_t input, Operation operation, bool also_single) {
    const Tensor* given = graph_.constant(graph_.node(id).input(input));
    if (!is_float(given)) return false;
    const size_t channels = scales_.size(), rank = given->shape().rank();
    const bool single = given->elements() == 1 && channels != 1;
    Shape shape = given->shape();
    if (single && also_single && rank == 0)
      shape = {1};
    else if (single ? !also_single
                    : rank == 0 || given->elements() != channels ||
                          shape[rank - 1] != static_cast<int64_t>(channels))
      return false;
    shape[shape.rank() - 1] = static_cast<int64_t>(channels);
    const auto values = given->values<float>();
    std::vector<float> made(channels);
    for (size_t i = 0; i < channels; ++i) made[i] = operation(values[single ? 0 : i], scales_[i]);
    changes_.push_back({id, input, Tensor::of<float>(std::move(shape), made)});
    return true;
  }

  static float divided(float value, float scale) { return value / scale; }
  static float multiplied(float value, float scale) { return value * scale; }

  bool divide_norm(NodeId id) {
    const Node& node = graph_.node(id);
    return node.attributes.get_int("axis", -1) == -1 && change(id, 1, divided, false) &&
           (!node.input(2) || change(id, 2, divided, false));
  }

  // The weights that make each channel: of [… , inputs, channels], or of [channels, inputs].
  bool divide_columns(NodeId id, bool channels_last) {
    const Node& node = graph_.node(id);
    const Tensor* w = graph_.constant(node.inputs[1]);
    if (!is_float(w) || w->shape().rank() < 2 || graph_.value(node.inputs[1]).uses != 1)
      return false;
    if (!exclusion(node, config_).empty()) return false;
    const Shape& shape = w->shape();
    if (shape[channels_last ? shape.rank() - 1 : 0] != static_cast<int64_t>(scales_.size()))
      return false;
    const size_t inner = channels_last ? 1 : w->elements() / scales_.size();
    const auto given = w->values<float>();
    std::vector<float> made(given.begin(), given.end());
    for (size_t i = 0; i < made.size(); ++i) made[i] /= scales_[i / inner % scales_.size()];
    changes_.push_back({id, 1, Tensor::of<float>(shape, made)});
    return true;
  }

  bool divide_gemm(NodeId id) {
    const Node& node = graph_.node(id);
    return divide_columns(id, node.attributes.get_int("transB", 0) == 0) &&
           (!node.input(2) || change(id, 2, divided, true));
  }

  bool divide_sum(NodeId id) {
    for (size_t i = 0; i < 2; ++i)
      if (graph_.constant(graph_.node(id).inputs[i]))
        return change(id, i, divided, true) && divide_operand(id, 1 - i);
    return false;
  }

  bool divide_product(NodeId id) {
    for (size_t i = 0; i < 2; ++i)
      if (change(id, i, divided, false)) return true;
    const size_t noted = changes_.size();
    for (size_t i = 0; i < 2; ++i) {
      if (divide_operand(id, i)) return true;
      changes_.resize(noted);
    }
    return false;
  }

  bool divide_quotient(NodeId id) {
    return change(id, 1, multiplied, false) || divide_operand(id, 0);
  }

  // The last numbers of a shape, as far as they are known.
  std::vector<int64_t> shape_tail(ValueId id) const {
    if (const Tensor* constant = graph_.constant(id)) return int64_values(*constant, "Reshape");
    std::vector<int64_t> tail;
    const Node* concat = producer(graph_, id, "Concat");
    for (size_t i = concat ? concat->inputs.size() : 0; i-- > 0;) {
      const Tensor* part = graph_.constant(concat->inputs[i]);
      if (!part) break;
      const auto values = int64_values(*part, "Reshape");
      tail.insert(tail.begin(), values.begin(), values.end());
    }
    return tail;
  }

  bool divide_reshaped(NodeId id) {
    const auto tail = shape_tail(graph_.node(id).inputs[1]);
    if (tail.empty() || tail.back() != static_cast<int64_t>(scales_.size())) return false;
    const std::optional<NodeId> split = split_into_heads(id);
    return split ? divide_operand(*split, 0) : divide_operand(id, 0);
  }

  // The node that produces the first operand of `id`, if it is of this type and nothing else reads
  // the operand.
  std::optional<NodeId> maker(NodeId id, size_t input, std::string_view op_type) const {
    const ValueId operand = graph_.node(id).inputs[input];
    if (!producer(graph_, operand, op_type) || !is_read_by(operand, {&id, 1})) return std::nullopt;
    return graph_.value(operand).producer;
  }

  bool swaps_heads(NodeId transpose) const {
    return graph_.node(transpose).attributes.get_ints("perm") == std::vector<int64_t>{0, 2, 1, 3};
  }

  // Of the Reshape that joins the heads of an attention, [batch, length, heads, size] → [batch,
  // length, channels]: the one that has made heads of the values.
  std::optional<NodeId> split_into_heads(NodeId join) const {
    const auto back = maker(join, 0, "Transpose");
    const auto mix = back && swaps_heads(*back) ? maker(*back, 0, "MatMul") : std::nullopt;
    const auto forth = mix ? maker(*mix, 1, "Transpose") : std::nullopt;
    const auto split = forth && swaps_heads(*forth) ? maker(*forth, 0, "Reshape") : std::nullopt;
    if (!split) return std::nullopt;
    const auto tail = shape_tail(graph_.node(*split).inputs[1]);
    if (tail.size() < 2) return std::nullopt;
    const int64_t size = tail.back(), heads = tail[tail.size() - 2];
    const auto channels = static_cast<int64_t>(scales_.size());
    if (size <= 0 || heads <= 0 || channels % size != 0 || channels / size != heads)
      return std::nullopt;
    return split;
  }

  Graph& graph_;
  std::span<const float> scales_;
  const QuantizeConfig& config_;
  std::vector<Change> changes_;
};
} // namespace

bool absorb_scales(GraphScope& scope, ValueId value, std::span<const NodeId> readers,
                   std::span<const float> scales, const QuantizeConfig& config) {
  return Absorber(scope, scales, config).run(value, readers);
}

} // namespace octet
