#include "passes/fold_qdq.h"

#include <algorithm>
#include <optional>

#include "graph/edit.h"
#include "ops/evaluate.h"
#include "ops/log2_ops.h"
#include "ops/registry.h"
#include "passes/match.h"

namespace octet {
namespace {
// Integers with their parameters, as a DequantizeLinear reads them. `zero_point` may be absent.
struct Quantized {
  ValueId codes, scale, zero_point;
  int64_t log2_levels = 0; // of one sign, of activations that passes/fold_log2 made integers
  bool has_16_bits = false;

  bool is_wide() const { return log2_levels > 0 || has_16_bits; }
};

class QdqFolder {
public:
  explicit QdqFolder(Graph& graph) : graph_(graph), uses_(graph), edit_(graph) {}

  void run() {
    for (NodeId id : std::vector<NodeId>(graph_.nodes())) {
      const Node& node = graph_.node(id);
      if (is_op(node, "Conv"))
        fold(id, "ConvIntegerToFloat", 0);
      else if (is_op(node, "MatMul"))
        fold(id, "MatMulIntegerToFloat", 1);
      else if (is_op(node, "Gemm") && is_plain(node))
        fold(id, "MatMulIntegerToFloat", node.attributes.get_int("transB", 0) != 0 ? 0 : 1);
    }
    edit_.remove_dead();
  }

private:
  static bool is_plain(const Node& gemm) {
    return gemm.attributes.get_int("transA", 0) == 0 &&
           gemm.attributes.get_float("alpha", 1) == 1 && gemm.attributes.get_float("beta", 1) == 1;
  }

  const Node* dequantize(ValueId id) const {
    const Node* node = producer(graph_, id, "DequantizeLinear");
    return node && node->attributes.get_int("block_size", 0) == 0 ? node : nullptr;
  }

  static Quantized operands(const Node& dequantize) {
    return {dequantize.inputs[0], dequantize.inputs[1],
            dequantize.inputs.size() > 2 ? dequantize.inputs[2] : ValueId()};
  }

  // An activation of 8 bits, of 16 around zero, or powers of two, under one constant scale. Its
  // type shows in its zero point or its producer.
  std::optional<Quantized> activation(ValueId id) const {
    const Node* node = dequantize(id);
    if (!node || !scalar_constant(graph_, node->inputs[1])) return std::nullopt;
    Quantized q = operands(*node);
    if (const Node* levels = producer(graph_, q.codes, "Log2Levels", kLoweredDomain)) {
      q.log2_levels = std::max(levels->attributes.get_int("positive", 0),
                               levels->attributes.get_int("negative", 0));
      return q;
    }
    const Tensor* zero = q.zero_point ? graph_.constant(q.zero_point) : nullptr;
    if (!zero) return std::nullopt;
    if (zero->dtype() == DType::Int16 && zero->elements() == 1 && zero->values<int16_t>()[0] == 0)
      return Quantized{.codes = q.codes, .scale = q.scale, .zero_point = {}, .has_16_bits = true};
    return has_8_bits(zero) ? std::optional(q) : std::nullopt;
  }

  static bool has_8_bits(const Tensor* tensor) {
    return tensor && (tensor->dtype() == DType::Int8 || tensor->dtype() == DType::UInt8);
  }

  // Constant weights of 8 bits whose parameters are one, or lie along `channel_axis`.
  std::optional<Quantized> weights(ValueId id, size_t channel_axis) const {
    const Node* node = dequantize(id);
    if (!node) return std::nullopt;
    const Quantized q = operands(*node);
    const Tensor *codes = graph_.constant(q.codes), *scale = graph_.constant(q.scale);
    if (!has_8_bits(codes) || !scale || scale->dtype() != DType::Float32 ||
        codes->shape().rank() <= channel_axis)
      return std::nullopt;
    if (q.zero_point && !graph_.constant(q.zero_point)) return std::nullopt;
    if (scale->elements() == 1) return q;
    const int64_t axis = node->attributes.get_int("axis", 1);
    const auto rank = static_cast<int64_t>(codes->shape().rank());
    return (axis < 0 ? axis + rank : axis) == static_cast<int64_t>(channel_axis) ? std::optional(q)
                                                                                 : std::nullopt;
  }

  // A float bias with one value per channel: absent, given as such, or stored as int32.
  std::optional<ValueId> bias(const Node& node, int64_t channels) {
    if (node.inputs.size() < 3 || !node.inputs[2]) return ValueId();
    const ValueId id = node.inputs[2];
    const Tensor* given = graph_.constant(id);
    std::optional<std::vector<Tensor>> computed;
    if (const Node* stored = given ? nullptr : dequantize(id)) {
      std::vector<const Tensor*> inputs;
      for (ValueId in : stored->inputs) inputs.push_back(graph_.constant(in));
      if (!inputs[0] || !inputs[1]) return std::nullopt;
      computed = evaluate(*stored, graph_.model, inputs);
      if (computed) given = &(*computed)[0];
    }
    const auto row = given ? per_axis_values(*given, 1, 0, channels) : std::nullopt;
    if (!row) return std::nullopt;
    return edit_.new_constant(graph_.value(id).name, Tensor::of<float>({channels}, *row));
  }

  // The addition of one number per column that alone reads a MatMul.
  NodeId bias_addition(const Node& matmul, int64_t columns) const {
    const NodeId next = uses_.only_reader(matmul.outputs[0]);
    if (matmul.op_type != "MatMul" || !next || !is_op(graph_.node(next), "Add")) return {};
    const auto operand = constant_operand(graph_, graph_.node(next));
    const bool fits = operand && operand->constant->dtype() == DType::Float32 &&
                      operand->constant->shape() == Shape{columns};
    return fits ? next : NodeId();
  }

  void fold(NodeId id, const char* lowered, size_t channel_axis) {
    const Node node = graph_.node(id);
    const auto x = activation(node.inputs[0]);
    auto w = x ? weights(node.inputs[1], channel_axis) : std::nullopt;
    if (!w) return;
    const Tensor& codes = *graph_.constant(w->codes);
    const bool is_conv = node.op_type == "Conv";
    const size_t rank = codes.shape().rank();
    if (is_conv ? rank != 3 && rank != 4 : rank != 2) return;
    const int64_t channels = codes.shape()[channel_axis];
    const size_t depth = codes.elements() / static_cast<size_t>(std::max<int64_t>(channels, 1));
    if (x->log2_levels > most_log2_levels(depth)) return;
    const Tensor* zero = w->zero_point ? graph_.constant(w->zero_point) : nullptr;
    if (x->has_16_bits && !wide_sums_fit(codes, zero, channel_axis)) return;
    auto row = bias(node, channels);
    if (!row) return;
    const NodeId addition = bias_addition(node, channels);
    if (addition) row = other_input(graph_.node(addition), node.outputs[0]);
    if (!is_conv && channel_axis == 0)
      w->codes =
          edit_.new_constant(graph_.value(w->codes).name, transposed(codes, {1, 0}, graph_.model));
    Node fused{
        .op_type = lowered,
        .domain = std::string(kLoweredDomain),
        .inputs = {x->codes, w->codes, x->scale, w->scale, x->zero_point, w->zero_point, *row}};
    if (is_conv) fused.attributes = node.attributes;
    if (x->is_wide()) fused.attributes.set("wide", int64_t{1});
    edit_.replace_node(addition ? addition : id, std::move(fused));
    if (addition) edit_.remove_node(id);
  }

  Graph& graph_;
  const Uses uses_;
  GraphEdit edit_;
};
} // namespace

// 2^15 · Σ |w − zero point| < 2^31.
bool wide_sums_fit(const Tensor& weights, const Tensor* zero_point, size_t channel_axis) {
  constexpr int64_t kMostWeight = (int64_t{1} << 16) - 1;
  const Shape& shape = weights.shape();
  const auto channels = static_cast<size_t>(shape[channel_axis]);
  if (zero_point && (zero_point->dtype() != weights.dtype() ||
                     (zero_point->elements() != 1 && zero_point->elements() != channels)))
    return false;
  const bool is_unsigned = weights.dtype() == DType::UInt8;
  const auto code = [is_unsigned](uint8_t byte) {
    return is_unsigned ? int32_t{byte} : int32_t{static_cast<int8_t>(byte)};
  };
  const size_t inner = shape.elements(channel_axis + 1, shape.rank());
  const uint8_t *next = weights.bytes(), *end = next + weights.elements();
  std::vector<int64_t> sums(channels);
  while (next < end)
    for (size_t c = 0; c < channels; ++c) {
      const int32_t zero =
          zero_point ? code(zero_point->bytes()[zero_point->elements() == 1 ? 0 : c]) : 0;
      for (size_t i = 0; i < inner; ++i) sums[c] += std::abs(code(*next++) - zero);
    }
  weights.data().drop();
  return std::all_of(sums.begin(), sums.end(), [](int64_t sum) { return sum <= kMostWeight; });
}

void fold_qdq(Graph& graph) {
  QdqFolder(graph).run();
}

} // namespace octet
