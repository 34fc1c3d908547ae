#include "quant/dynamic_site.h"

#include <algorithm>
#include <optional>

#include "graph/edit.h"
#include "quant/bias_correction.h"
#include "quant/weights.h"

namespace octet {
// Writes the nodes that replace one float node.
class DynamicSite::Rewriter {
public:
  Rewriter(DynamicScope& scope, NodeId id, const QuantizeConfig& config,
           std::unique_ptr<ProductRounding> rounding, QuantizationReport& report)
      : scope_(scope), id_(id), node_(scope.graph->node(id)), config_(config),
        rounding_(std::move(rounding)), report_(report), edit_(*scope.graph), refusal_(check()) {}

  const std::string& refusal() const { return refusal_; }

  bool advance() {
    if (!refusal_.empty()) return false;
    if (node_.op_type == "LSTM") {
      write_lstm();
      return false;
    }
    if (!nearest_) begin();
    if (nearest_->advance()) return true;
    QuantizedWeights q = nearest_->take();
    note(input(1), q);
    correct(q);
    if (node_.op_type == "MatMul")
      write_matmul(q);
    else if (node_.op_type == "Gemm")
      write_gemm(q);
    else
      write_conv(q);
    held_.reset();
    weights().data().drop();
    return false;
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
  void take_over() {
    edit_.remove_node(id_);
    edit_.produce(last_, 0, node_.outputs[0]);
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

  std::string check() const {
    if (node_.op_type == "MatMul") return check_matmul();
    if (node_.op_type == "Gemm") return check_gemm();
    if (node_.op_type == "Conv") return check_conv();
    return check_lstm();
  }

  const Tensor& weights() const { return *scope_.constant(input(1)); }

  void begin() {
    held_ = weights().data().hold();
    nearest_.emplace(weights().values<float>(), layout(), config_.weights, node_.op_type == "Conv");
  }

  WeightLayout layout() const {
    const Shape& shape = weights().shape();
    const auto first = static_cast<size_t>(shape[0]);
    const size_t inner = first ? weights().elements() / first : 1;
    const bool by_rows = node_.op_type == "Conv" || transposes_b();
    return by_rows ? WeightLayout{first, inner} : WeightLayout{inner, 1};
  }

  bool transposes_b() const { return node_.attributes.get_int("transB", 0) != 0; }

  std::string check_matmul() const {
    const Tensor* b = scope_.constant(input(1));
    if (!is_float(b)) return "its right operand is not a float32 constant";
    if (b->shape().rank() != 2) return "its weights are not a matrix";
    if (scope_.constant(input(0))) return "both operands are constant";
    return {};
  }

  void write_matmul(const QuantizedWeights& q) {
    integer_matmul(input(0), input(1), q,
                   tensor_of_codes(q.code_bytes(), config_.weights.type, weights().shape()));
    take_over();
  }

  std::string check_gemm() const {
    const Tensor* b = scope_.constant(input(1));
    if (!is_float(b) || b->shape().rank() != 2)
      return "its right operand is not a float32 constant matrix";
    if (node_.attributes.get_int("transA", 0) != 0) return "its left operand is transposed";
    if (input(2) && node_.attributes.get_float("beta", 1) != 1) return "it scales its bias";
    return {};
  }

  void write_gemm(QuantizedWeights& q) {
    const Shape given = weights().shape();
    for (float& scale : q.scales) scale *= node_.attributes.get_float("alpha", 1);
    const Shape shape = transposes_b() ? Shape{given[1], given[0]} : given;
    std::vector<uint8_t> turned;
    if (transposes_b())
      turned =
          transposed(q.code_bytes(), static_cast<size_t>(given[0]), static_cast<size_t>(given[1]));
    const Bytes codes = transposes_b() ? Bytes(turned) : q.code_bytes();
    const ValueId y =
        integer_matmul(input(0), input(1), q, tensor_of_codes(codes, config_.weights.type, shape));
    if (input(2)) emit("Add", {y, input(2)}, "biased");
    take_over();
  }

  std::string check_conv() const {
    const Tensor* w = scope_.constant(input(1));
    if (!is_float(w) || w->shape().rank() < 3) return "its weights are not a float32 constant";
    if (input(2) && !is_float(scope_.constant(input(2))))
      return "its bias is not a float32 constant";
    return {};
  }

  void write_conv(const QuantizedWeights& q) {
    const Shape shape = weights().shape();
    Shape per_channel{shape[0]};
    for (size_t i = 2; i < shape.rank(); ++i) per_channel.push_back(1);
    const ValueId codes = constant(input(1), "_quantized",
                                   tensor_of_codes(q.code_bytes(), config_.weights.type, shape));
    const DynamicScope::QuantizedValue x = quantized_activation(input(0));
    const ValueId product =
        emit("ConvInteger", {x.codes, codes, x.zero_point, zero_points(input(1), q, {})}, "quant",
             node_.attributes);
    const ValueId y = rescale(product, x.scale, scales(input(1), q, params_shape(per_channel)));
    if (const Tensor* bias = scope_.constant(input(2)))
      emit("Add", {y, constant(input(2), "_reshaped", bias->reshaped(per_channel))}, "biased");
    take_over();
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
      const auto part = q.code_bytes().subspan(d * gates * inputs, gates * inputs);
      const auto turned = transposed(part, gates, inputs);
      codes.insert(codes.end(), turned.begin(), turned.end());
    }
    w.data().drop();
    const Shape params = per_channel ? Shape{w.shape()[0], w.shape()[1]} : Shape{w.shape()[0]};
    std::vector<uint8_t> zeros;
    for (const int32_t z : q.zero_points) zeros.push_back(static_cast<uint8_t>(z));
    return {constant(id, "_quantized",
                     tensor_of_codes(codes, config_.weights.type,
                                     {w.shape()[0], w.shape()[2], w.shape()[1]})),
            scales(id, q, params),
            constant(id, "_zero_point", tensor_of_codes(zeros, config_.weights.type, params))};
  }

  std::string check_lstm() const {
    const Tensor *w = scope_.constant(input(1)), *r = scope_.constant(input(2));
    if (!is_float(w) || !is_float(r)) return "its weights are not float32 constants";
    if (w->shape().rank() != 3 || r->shape().rank() != 3) return "its weights are not of rank 3";
    if (node_.attributes.get_int("layout", 0) != 0)
      return "its batch-first layout has no integer form";
    return {};
  }

  void write_lstm() {
    const LstmOperand qw = lstm_operand(input(1), weights()),
                      qr = lstm_operand(input(2), *scope_.constant(input(2)));
    Node fused{.name = node_.name + "_quant",
               .op_type = "DynamicQuantizeLSTM",
               .domain = "com.microsoft",
               .inputs = {input(0), qw.codes, qr.codes, input(3), input(4), input(5), input(6),
                          input(7), qw.scale, qw.zero_point, qr.scale, qr.zero_point},
               .attributes = node_.attributes};
    fused.attributes.erase("layout");
    edit_.replace_node(id_, std::move(fused));
  }

  DynamicScope& scope_;
  NodeId id_;
  Node node_; // a copy: inserting nodes moves the graph's own
  const QuantizeConfig& config_;
  std::unique_ptr<ProductRounding> rounding_; // or null
  QuantizationReport& report_;
  GraphEdit edit_;
  NodeId last_;
  const std::string refusal_;
  std::shared_ptr<const void> held_; // what is being rounded
  std::optional<WeightRounding> nearest_;
};

DynamicSite::DynamicSite(DynamicScope& scope, NodeId node, const QuantizeConfig& config,
                         std::unique_ptr<ProductRounding> rounding, QuantizationReport& report)
    : rewriter_(std::make_unique<Rewriter>(scope, node, config, std::move(rounding), report)) {}
DynamicSite::~DynamicSite() = default;

const std::string& DynamicSite::refusal() const {
  return rewriter_->refusal();
}

bool DynamicSite::advance() {
  return rewriter_->advance();
}

} // namespace octet
