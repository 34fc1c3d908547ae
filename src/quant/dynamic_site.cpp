#include "quant/dynamic_site.h"

#include <algorithm>

#include "graph/edit.h"
#include "quant/bias_correction.h"
#include "quant/weights.h"

namespace octet {
namespace {
// Writes the nodes that replace one float node.
class SiteRewriter {
public:
  SiteRewriter(DynamicScope& scope, NodeId id, const QuantizeConfig& config,
               const ProductRounding* rounding, QuantizationReport& report)
      : scope_(scope), id_(id), node_(scope.graph->node(id)), config_(config), rounding_(rounding),
        report_(report), edit_(*scope.graph) {}

  // Empty when the node was quantized, else why it stays in float.
  std::string run() {
    if (node_.op_type == "MatMul") return quantize_matmul();
    if (node_.op_type == "Gemm") return quantize_gemm();
    if (node_.op_type == "Conv") return quantize_conv();
    return quantize_lstm();
  }

private:
  // --- nodes and constants

  ValueId input(size_t i) const { return node_.input(i); }

  ValueId emit(std::string_view op_type, std::vector<ValueId> inputs, std::string_view hint,
               Attributes attributes = {}) {
    const NodeId added = edit_.insert_before(id_, {.name = node_.name + "_" + std::string(hint),
                                                   .op_type = std::string(op_type),
                                                   .inputs = std::move(inputs),
                                                   .attributes = std::move(attributes)});
    const ValueId out =
        edit_.new_value(scope_.graph->value(node_.outputs[0]).name + "_" + std::string(hint));
    edit_.produce(added, 0, out);
    last_ = added;
    return out;
  }

  // The last node written takes the place of the float node.
  std::string take_over() {
    edit_.remove_node(id_);
    edit_.produce(last_, 0, node_.outputs[0]);
    return {};
  }

  const DynamicScope::QuantizedValue& quantized_activation(ValueId x) {
    if (const auto found = scope_.activations.find(x); found != scope_.activations.end())
      return found->second;
    const std::string name = scope_.graph->value(x).name;
    const DynamicScope::QuantizedValue made{edit_.new_value(name + "_quantized"),
                                            edit_.new_value(name + "_scale"),
                                            edit_.new_value(name + "_zero_point")};
    edit_.insert_before(id_, {.name = name + "_quantize",
                              .op_type = "DynamicQuantizeLinear",
                              .inputs = {x},
                              .outputs = {made.codes, made.scale, made.zero_point}});
    return scope_.activations[x] = made;
  }

  void note(ValueId weight, const QuantizedWeights& q) {
    report_.tensors.push_back(
        describe_weights(scope_.graph->value(weight).name, node_.name, config_.weights, q));
  }

  ValueId constant(ValueId weight, std::string_view suffix, Tensor tensor) {
    return edit_.new_constant(scope_.graph->value(weight).name + std::string(suffix),
                              std::move(tensor));
  }

  // Zero points as the weights' own type, under `shape`; an invalid id when all are 0, ONNX's
  // default.
  ValueId zero_points(ValueId weight, const QuantizedWeights& q, const Shape& shape) {
    const bool all_zero =
        std::all_of(q.zero_points.begin(), q.zero_points.end(), [](int32_t z) { return z == 0; });
    if (all_zero) return {};
    std::vector<uint8_t> codes;
    for (size_t i = 0; i < shape.elements(); ++i)
      codes.push_back(static_cast<uint8_t>(q.zero_points[i]));
    return constant(weight, "_zero_point", tensor_of_codes(codes, config_.weights.type, shape));
  }

  ValueId scales(ValueId weight, const QuantizedWeights& q, const Shape& shape) {
    return constant(weight, "_scale", Tensor::of<float>(shape, q.scales));
  }

  // The shape of per-channel parameters, or of one for the tensor.
  Shape params_shape(Shape per_channel) const {
    return config_.weights.per_channel ? per_channel : Shape{};
  }

  // float(product) * (a_scale * b_scale)
  ValueId rescale(ValueId product, ValueId a_scale, ValueId b_scale) {
    Attributes to_float;
    to_float.set("to", int64_t{1});
    const ValueId real = emit("Cast", {product}, "cast", std::move(to_float));
    const ValueId scale = emit("Mul", {a_scale, b_scale}, "scale");
    return emit("Mul", {real, scale}, "scaled");
  }

  void correct(const QuantizedWeights& q) {
    const std::vector<float> loss = rounding_ ? rounding_->mean_loss(q) : std::vector<float>();
    if (loss.empty()) return;
    correct_bias(scope_, id_, loss);
    node_ = scope_.graph->node(id_);
  }

  // --- operators

  ValueId integer_matmul(ValueId a, ValueId weight, const QuantizedWeights& q, Tensor codes) {
    const Shape shape = params_shape({codes.shape()[1]});
    const ValueId b = constant(weight, "_quantized", std::move(codes));
    const DynamicScope::QuantizedValue x = quantized_activation(a);
    const ValueId product =
        emit("MatMulInteger", {x.codes, b, x.zero_point, zero_points(weight, q, shape)}, "quant");
    return rescale(product, x.scale, scales(weight, q, shape));
  }

  std::string quantize_matmul() {
    const Tensor* b = scope_.constant(input(1));
    if (!is_float(b)) return "its right operand is not a float32 constant";
    if (b->shape().rank() != 2) return "its weights are not a matrix";
    if (scope_.constant(input(0))) return "both operands are constant";
    const auto columns = static_cast<size_t>(b->shape()[1]);
    const QuantizedWeights q =
        quantize_weights(b->values<float>(), {columns, 1}, config_.weights, false);
    note(input(1), q);
    correct(q);
    integer_matmul(input(0), input(1), q,
                   tensor_of_codes(q.codes, config_.weights.type, b->shape()));
    return take_over();
  }

  std::string quantize_gemm() {
    const Tensor* b = scope_.constant(input(1));
    if (!is_float(b) || b->shape().rank() != 2)
      return "its right operand is not a float32 constant matrix";
    if (node_.attributes.get_int("transA", 0) != 0) return "its left operand is transposed";
    const float beta = node_.attributes.get_float("beta", 1);
    if (input(2) && beta != 1) return "it scales its bias";
    const bool trans_b = node_.attributes.get_int("transB", 0) != 0;
    const auto rows = static_cast<size_t>(b->shape()[0]),
               columns = static_cast<size_t>(b->shape()[1]);
    const WeightLayout layout = trans_b ? WeightLayout{rows, columns} : WeightLayout{columns, 1};
    QuantizedWeights q = quantize_weights(b->values<float>(), layout, config_.weights, false);
    note(input(1), q);
    correct(q);
    for (float& scale : q.scales) scale *= node_.attributes.get_float("alpha", 1);
    const Shape shape = trans_b ? Shape{b->shape()[1], b->shape()[0]} : b->shape();
    const auto codes = trans_b ? transposed<uint8_t>(q.codes, rows, columns) : q.codes;
    const ValueId y =
        integer_matmul(input(0), input(1), q, tensor_of_codes(codes, config_.weights.type, shape));
    if (input(2)) emit("Add", {y, input(2)}, "biased");
    return take_over();
  }

  std::string quantize_conv() {
    const Tensor* w = scope_.constant(input(1));
    if (!is_float(w) || w->shape().rank() < 3) return "its weights are not a float32 constant";
    if (input(2) && !is_float(scope_.constant(input(2))))
      return "its bias is not a float32 constant";
    const auto channels = static_cast<size_t>(w->shape()[0]);
    const size_t inner = channels ? w->elements() / channels : 1;
    const QuantizedWeights q =
        quantize_weights(w->values<float>(), {channels, inner}, config_.weights, true);
    note(input(1), q);
    correct(q);
    Shape per_channel{w->shape()[0]};
    for (size_t i = 2; i < w->shape().rank(); ++i) per_channel.push_back(1);
    const ValueId codes = constant(input(1), "_quantized",
                                   tensor_of_codes(q.codes, config_.weights.type, w->shape()));
    const DynamicScope::QuantizedValue x = quantized_activation(input(0));
    const ValueId product =
        emit("ConvInteger", {x.codes, codes, x.zero_point, zero_points(input(1), q, {})}, "quant",
             node_.attributes);
    const ValueId y = rescale(product, x.scale, scales(input(1), q, params_shape(per_channel)));
    if (const Tensor* bias = scope_.constant(input(2)))
      emit("Add", {y, constant(input(2), "_reshaped", bias->reshaped(per_channel))}, "biased");
    return take_over();
  }

  // The weights [directions, 4 * hidden, inputs] of an LSTM in the layout of DynamicQuantizeLSTM:
  // [directions, inputs, 4 * hidden], with scales and zero points [directions] or [directions, 4 *
  // hidden]. onnxruntime, whose operator it is, wants one zero point for all of them.
  struct LstmOperand {
    ValueId codes, scale, zero_point;
  };
  LstmOperand lstm_operand(ValueId id, const Tensor& w) {
    const auto directions = static_cast<size_t>(w.shape()[0]),
               gates = static_cast<size_t>(w.shape()[1]),
               inputs = static_cast<size_t>(w.shape()[2]);
    const bool per_channel = config_.weights.per_channel;
    const WeightLayout layout = per_channel ? WeightLayout{directions * gates, inputs}
                                            : WeightLayout{directions, gates * inputs};
    WeightOptions per_stretch = config_.weights;
    per_stretch.per_channel = true;
    const QuantizedWeights q = quantize_weights(w.values<float>(), layout, per_stretch, true);
    note(id, q);
    std::vector<uint8_t> codes;
    for (size_t d = 0; d < directions; ++d) {
      const auto part = std::span(q.codes).subspan(d * gates * inputs, gates * inputs);
      const auto turned = transposed(part, gates, inputs);
      codes.insert(codes.end(), turned.begin(), turned.end());
    }
    const Shape params = per_channel ? Shape{w.shape()[0], w.shape()[1]} : Shape{w.shape()[0]};
    std::vector<uint8_t> zeros;
    for (const int32_t z : q.zero_points) zeros.push_back(static_cast<uint8_t>(z));
    return {constant(id, "_quantized",
                     tensor_of_codes(codes, config_.weights.type,
                                     {w.shape()[0], w.shape()[2], w.shape()[1]})),
            scales(id, q, params),
            constant(id, "_zero_point", tensor_of_codes(zeros, config_.weights.type, params))};
  }

  std::string quantize_lstm() {
    const Tensor *w = scope_.constant(input(1)), *r = scope_.constant(input(2));
    if (!is_float(w) || !is_float(r)) return "its weights are not float32 constants";
    if (w->shape().rank() != 3 || r->shape().rank() != 3) return "its weights are not of rank 3";
    if (node_.attributes.get_int("layout", 0) != 0)
      return "its batch-first layout has no integer form";
    const LstmOperand qw = lstm_operand(input(1), *w), qr = lstm_operand(input(2), *r);
    Node fused{.name = node_.name + "_quant",
               .op_type = "DynamicQuantizeLSTM",
               .domain = "com.microsoft",
               .inputs = {input(0), qw.codes, qr.codes, input(3), input(4), input(5), input(6),
                          input(7), qw.scale, qw.zero_point, qr.scale, qr.zero_point},
               .attributes = node_.attributes};
    fused.attributes.erase("layout");
    edit_.replace_node(id_, std::move(fused));
    return {};
  }

  DynamicScope& scope_;
  NodeId id_;
  Node node_; // a copy: inserting nodes moves the graph's own
  const QuantizeConfig& config_;
  const ProductRounding* rounding_;
  QuantizationReport& report_;
  GraphEdit edit_;
  NodeId last_;
};
} // namespace

std::string quantize_dynamically(DynamicScope& scope, NodeId node, const QuantizeConfig& config,
                                 const ProductRounding* rounding, QuantizationReport& report) {
  return SiteRewriter(scope, node, config, rounding, report).run();
}

} // namespace octet
