#include "quant/static_product.h"

#include <algorithm>
#include <cmath>

#include "passes/fold_qdq.h"
#include "quant/bias_correction.h"

namespace octet {
namespace {
// A quarter of the range of int32, for products are added to it.
constexpr float kMostBias = 1 << 29;
constexpr std::string_view kTooLarge = "a logarithm of the spectrum follows, and sums of 16-bit "
                                       "activations would not fit into 32 bits";
} // namespace

size_t channel_axis(const Node& product) {
  if (product.op_type == "Conv") return 0;
  return product.attributes.get_int("transB", 0) != 0 ? 0 : 1;
}

bool rounds_by_samples(const WeightOptions& options) {
  return options.method == "adaround";
}

ProductRewriter::ProductRewriter(GraphScope& scope, NodeId id, const QuantizeConfig& config,
                                 ProductInput x, const TappedProduct* tapped,
                                 ReductionSink& reductions, QuantizationReport& report)
    : scope_(scope), id_(id), node_(scope.graph->node(id)), config_(config), x_(x), report_(report),
      weights_(*scope.constant(node_.inputs[1])), edit_(*scope.graph) {
  const Shape& shape = weights_.shape();
  const WeightLayout layout{.channels = static_cast<size_t>(shape[axis()]),
                            .inner = shape.elements(axis() + 1, shape.rank())};
  held_ = weights_.data().hold();
  nearest_.emplace(weights_.values<float>(), layout, config_.weights, false);
  nearest_->keep_above(least_scales());
  if (tapped) rounding_.emplace(*tapped, weights_.values<float>(), config_.weights, reductions);
}

// None where there is no constant bias.
const Tensor* ProductRewriter::bias() const {
  if (node_.op_type == "MatMul") return nullptr;
  const Tensor* values = scope_.constant(scope_.graph->node(id_).input(2));
  return is_bias(values, channels()) ? values : nullptr;
}

// Beside weights that are next to nothing a bias would not fit into int32: these get larger scales.
std::vector<float> ProductRewriter::least_scales() const {
  const Tensor* values = bias();
  if (!values) return {};
  std::vector<float> least;
  for (const float each : values->values<float>())
    least.push_back(std::abs(each) / (x_.scale * kMostBias));
  if (!config_.weights.per_channel) least = {*std::max_element(least.begin(), least.end())};
  return least;
}

bool ProductRewriter::advance() {
  if (nearest_) {
    if (nearest_->advance()) return true;
    q_ = nearest_->take();
    nearest_.reset();
  }
  if (rounding_ && rounds_by_samples(config_.weights) && rounding_->adapt(q_)) return true;
  if (x_.is_wide && !sums_fit()) {
    refusal_ = kTooLarge;
  } else {
    write_weights();
    write_bias();
  }
  held_.reset();
  weights_.data().drop();
  return false;
}

ValueId ProductRewriter::constant(ValueId source, std::string_view suffix, Tensor tensor) {
  return edit_.new_constant(scope_.graph->value(source).name + std::string(suffix),
                            std::move(tensor));
}

void ProductRewriter::dequantize(size_t input, ValueId source, std::vector<ValueId> operands,
                                 bool per_channel) {
  const std::string name = scope_.graph->value(source).name;
  Node node{.name = name + "_dequantize", .op_type = "DequantizeLinear"};
  node.inputs = std::move(operands);
  if (per_channel) node.attributes.set("axis", static_cast<int64_t>(input == 1 ? axis() : 0));
  const NodeId made = edit_.insert_before(id_, std::move(node));
  const ValueId out = edit_.new_value(name + "_dequantized");
  edit_.produce(made, 0, out);
  edit_.set_input(id_, input, out);
}

Shape ProductRewriter::param_shape() const {
  return config_.weights.per_channel ? Shape{weights_.shape()[axis()]} : Shape{};
}

Tensor ProductRewriter::codes() const {
  return tensor_of_codes(q_.code_bytes(), config_.weights.type, weights_.shape());
}

Tensor ProductRewriter::zero_points() const {
  std::vector<uint8_t> zeros;
  for (const int32_t zero : q_.zero_points) zeros.push_back(static_cast<uint8_t>(zero));
  return tensor_of_codes(zeros, config_.weights.type, param_shape());
}

bool ProductRewriter::sums_fit() const {
  const Tensor zeros = zero_points();
  return wide_sums_fit(codes(), &zeros, axis());
}

void ProductRewriter::write_weights() {
  const ValueId id = node_.inputs[1];
  note(id);
  dequantize(1, id,
             {constant(id, "_quantized", codes()),
              constant(id, "_scale", Tensor::of<float>(param_shape(), q_.scales)),
              constant(id, "_zero_point", zero_points())},
             config_.weights.per_channel);
}

void ProductRewriter::write_bias() {
  std::vector<float> loss;
  if (rounding_ && config_.correct_bias) loss = rounding_->mean_loss(q_);
  if (!loss.empty()) correct_bias(scope_, id_, loss);
  if (const Tensor* values = bias())
    quantize_bias(scope_.graph->node(id_).input(2), values->values<float>(), q_.scales);
}

// What samples have made too large for int32 stays as it is.
void ProductRewriter::quantize_bias(ValueId id, std::span<const float> bias,
                                    const std::vector<float>& w_scales) {
  std::vector<float> scales;
  std::vector<int32_t> codes;
  for (size_t i = 0; i < bias.size(); ++i) {
    const float scale = x_.scale * w_scales[w_scales.size() == 1 ? 0 : i];
    if (i < w_scales.size()) scales.push_back(scale);
    const double code = std::nearbyint(double{bias[i]} / scale);
    if (!(std::abs(code) <= INT32_MAX)) return;
    codes.push_back(static_cast<int32_t>(code));
  }
  const auto length = static_cast<int64_t>(codes.size());
  const bool per_channel = scales.size() > 1;
  const Shape params = per_channel ? Shape{length} : Shape{};
  dequantize(2, id,
             {constant(id, "_quantized", Tensor::of<int32_t>({length}, codes)),
              constant(id, "_scale", Tensor::of<float>(params, scales))},
             per_channel);
}

void ProductRewriter::note(ValueId id) {
  QuantizedTensor tensor =
      describe_weights(scope_.graph->value(id).name, node_.name, config_.weights, q_);
  if (rounding_ && rounds_by_samples(config_.weights)) {
    tensor.method = "adaround";
    tensor.output_sqnr_db = rounding_->output_sqnr_db();
  }
  report_.tensors.push_back(std::move(tensor));
}

} // namespace octet
