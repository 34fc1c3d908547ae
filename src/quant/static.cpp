#include "quant/static.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "base/error.h"
#include "graph/edit.h"
#include "passes/match.h"
#include "quant/assign.h"
#include "quant/calibrator.h"
#include "quant/dynamic_site.h"
#include "quant/weights.h"

namespace octet {
namespace {
// A value under observation.
struct Site {
  NodeId observe;
  size_t observer;
};

struct Params {
  ValueId scale, zero_point;
};

struct Scope : DynamicScope {
  std::vector<NodeId> products = {};
  std::vector<Site> sites = {};
  std::unordered_map<ValueId, size_t> observers = {}; // of the values that Observe nodes yield
};

// Puts Observe nodes between the values of an assignment and their readers.
void place_taps(Scope& scope, const Assignment& assignment, Calibrator& calibrator) {
  Graph& graph = *scope.graph;
  std::vector<size_t> observers(assignment.groups);
  for (size_t& observer : observers) observer = calibrator.add_observer();
  GraphEdit edit(graph);
  for (const Assignment::Tap& tap : assignment.taps) {
    const std::string name = graph.value(tap.value).name;
    std::vector<NodeId> readers = graph.users(tap.value);
    std::erase_if(readers, [&](NodeId id) { return assignment.real_readers.contains(id); });
    const size_t observer = observers[tap.group];
    Node observe{.name = name + "_observe", .op_type = "Observe", .domain = "octet"};
    observe.inputs = {tap.value};
    observe.attributes.set("tap", static_cast<int64_t>(calibrator.add_tap(observer, name)));
    const ValueId out = edit.new_value(name + "_dequantized");
    const NodeId id = edit.insert_before(readers.front(), std::move(observe));
    edit.produce(id, 0, out);
    for (NodeId reader : readers)
      for (size_t i = 0; i < graph.node(reader).inputs.size(); ++i)
        if (graph.node(reader).inputs[i] == tap.value) edit.set_input(reader, i, out);
    scope.sites.push_back({id, observer});
    scope.observers[out] = observer;
  }
}

// Quantizes the weights and the bias of a product.
class ProductRewriter {
public:
  ProductRewriter(Scope& scope, NodeId id, const QuantizeConfig& config, float x_scale,
                  QuantizationReport& report)
      : scope_(scope), id_(id), node_(scope.graph->node(id)), config_(config), x_scale_(x_scale),
        report_(report), edit_(*scope.graph) {}

  void run() {
    const ValueId w = node_.inputs[1];
    const Tensor weights = *scope_.constant(w);
    const std::vector<float> scales = quantize(w, weights);
    const ValueId bias = node_.inputs.size() > 2 ? node_.inputs[2] : ValueId();
    const Tensor* values = scope_.constant(bias);
    const auto channels = static_cast<size_t>(weights.shape()[axis()]);
    if (values && values->dtype() == DType::Float32 && values->shape().rank() == 1 &&
        values->elements() == channels)
      quantize_bias(bias, values->values<float>(), scales);
  }

private:
  size_t axis() const {
    if (node_.op_type == "Conv") return 0;
    return node_.attributes.get_int("transB", 0) != 0 ? 0 : 1;
  }

  ValueId constant(ValueId source, std::string_view suffix, Tensor tensor) {
    return edit_.new_constant(scope_.graph->value(source).name + std::string(suffix),
                              std::move(tensor));
  }

  void dequantize(size_t input, ValueId source, std::vector<ValueId> operands, bool per_channel) {
    const std::string name = scope_.graph->value(source).name;
    Node node{.name = name + "_dequantize", .op_type = "DequantizeLinear"};
    node.inputs = std::move(operands);
    if (per_channel) node.attributes.set("axis", static_cast<int64_t>(input == 1 ? axis() : 0));
    const NodeId made = edit_.insert_before(id_, std::move(node));
    const ValueId out = edit_.new_value(name + "_dequantized");
    edit_.produce(made, 0, out);
    edit_.set_input(id_, input, out);
  }

  // Returns the scales, one or one per channel.
  std::vector<float> quantize(ValueId id, const Tensor& weights) {
    const Shape& shape = weights.shape();
    const WeightLayout layout{.channels = static_cast<size_t>(shape[axis()]),
                              .inner = shape.elements(axis() + 1, shape.rank())};
    const QuantizedWeights q =
        quantize_weights(weights.values<float>(), layout, config_.weights, false);
    note(id, q);
    const bool per_channel = config_.weights.per_channel;
    const Shape params = per_channel ? Shape{shape[axis()]} : Shape{};
    std::vector<uint8_t> zeros;
    for (const int32_t zero : q.zero_points) zeros.push_back(static_cast<uint8_t>(zero));
    dequantize(1, id,
               {constant(id, "_quantized", tensor_of_codes(q.codes, config_.weights.type, shape)),
                constant(id, "_scale", Tensor::of<float>(params, q.scales)),
                constant(id, "_zero_point", tensor_of_codes(zeros, config_.weights.type, params))},
               per_channel);
    return q.scales;
  }

  // A bias too large for the scale that integer products need stays as it is.
  void quantize_bias(ValueId id, std::span<const float> bias, const std::vector<float>& w_scales) {
    std::vector<float> scales;
    std::vector<int32_t> codes;
    for (size_t i = 0; i < bias.size(); ++i) {
      const float scale = x_scale_ * w_scales[w_scales.size() == 1 ? 0 : i];
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

  void note(ValueId id, const QuantizedWeights& q) {
    report_.tensors.push_back(
        describe_weights(scope_.graph->value(id).name, node_.name, config_.weights, q));
  }

  Scope& scope_;
  NodeId id_;
  const Node node_; // a copy: inserting nodes moves the graph's own
  const QuantizeConfig& config_;
  float x_scale_;
  QuantizationReport& report_;
  GraphEdit edit_;
};

// Turns the Observe nodes of a scope that are still read into pairs of QuantizeLinear and
// DequantizeLinear.
class PairWriter {
public:
  PairWriter(Scope& scope, const ActivationOptions& options, const Calibrator& calibrator,
             QuantizationReport& report)
      : scope_(scope), graph_(*scope.graph), options_(options), calibrator_(calibrator),
        report_(report), edit_(graph_) {}

  void run() {
    for (const Site& site : scope_.sites) {
      const bool is_read = !graph_.users(graph_.node(site.observe).outputs[0]).empty();
      if (const auto params = calibrator_.params(site.observer); params && is_read)
        write_pair(site, *params);
      else
        take_out(site.observe);
    }
  }

private:
  void take_out(NodeId observe) {
    const ValueId in = graph_.node(observe).inputs[0], out = graph_.node(observe).outputs[0];
    edit_.replace_uses(out, in);
    edit_.remove_node(observe);
  }

  void write_pair(const Site& site, ScaleAndZero values) {
    const ValueId in = graph_.node(site.observe).inputs[0];
    const std::string name = graph_.value(in).name;
    const Params params = params_of(site.observer, values, name);
    const NodeId quantize =
        edit_.insert_before(site.observe, {.name = name + "_quantize",
                                           .op_type = "QuantizeLinear",
                                           .inputs = {in, params.scale, params.zero_point}});
    const ValueId codes = edit_.new_value(name + "_quantized");
    edit_.produce(quantize, 0, codes);
    note(name, site, values);
    edit_.replace_node(site.observe, {.name = name + "_dequantize",
                                      .op_type = "DequantizeLinear",
                                      .inputs = {codes, params.scale, params.zero_point}});
  }

  // Taps of one observer share their parameters' constants too.
  Params params_of(size_t observer, ScaleAndZero values, const std::string& name) {
    if (const auto found = params_.find(observer); found != params_.end()) return found->second;
    const uint8_t zero[] = {static_cast<uint8_t>(values.zero_point)};
    return params_[observer] = {
               edit_.new_constant(name + "_scale", Tensor::scalar<float>(values.scale)),
               edit_.new_constant(name + "_zero_point", tensor_of_codes(zero, options_.type, {}))};
  }

  void note(const std::string& name, const Site& site, ScaleAndZero values) {
    const auto readers = graph_.users(graph_.node(site.observe).outputs[0]);
    report_.tensors.push_back({.name = name,
                               .node = readers.empty() ? "" : graph_.node(readers.front()).name,
                               .type = options_.type,
                               .scale_min = values.scale,
                               .scale_max = values.scale,
                               .granularity = "per-tensor",
                               .method = options_.method,
                               .sqnr_db = NAN});
  }

  Scope& scope_;
  Graph& graph_;
  const ActivationOptions& options_;
  const Calibrator& calibrator_;
  QuantizationReport& report_;
  std::unordered_map<size_t, Params> params_; // by observer
  GraphEdit edit_;
};

void check_config(const QuantizeConfig& config) {
  if (config.weights.type != DType::Int8 && config.weights.type != DType::UInt8)
    fail(ErrorCode::InvalidOption, "weights.type: static quantization takes int8 or uint8, not ",
         dtype_name(config.weights.type));
  for (const std::string& op_type : config.op_types)
    if (!is_static_op(op_type))
      fail(ErrorCode::InvalidOption, "opTypes: ", op_type, " has no statically quantized form");
}

class StaticQuantizer final : public Quantizer {
public:
  StaticQuantizer(Graph& graph, QuantizeConfig config)
      : config_(std::move(config)), calibrator_(std::make_shared<Calibrator>(config_.activations)) {
    check_config(config_);
    report_.mode = "static";
    for (GraphScope& scope : scopes_of(graph)) scopes_.push_back({{std::move(scope)}});
    for (Scope& scope : scopes_) {
      Assignment assignment = assign(scope, config_);
      place_taps(scope, assignment, *calibrator_);
      scope.products = std::move(assignment.products);
      total_ += scope.products.size();
      for (FloatNode& node : assignment.float_nodes) report_.float_nodes.push_back(std::move(node));
    }
  }

  std::shared_ptr<ValueSink> calibrator() override { return calibrator_; }
  size_t done() const override { return done_; }
  size_t total() const override { return total_; }

  bool step() override {
    if (done_ == total_) return false;
    while (next_ == scopes_[scope_at_].products.size()) {
      ++scope_at_;
      next_ = 0;
    }
    Scope& scope = scopes_[scope_at_];
    quantize(scope, scope.products[next_++]);
    return ++done_ < total_;
  }

  QuantizationReport finish() override {
    for (size_t i = scopes_.size(); i-- > 0;) {
      Scope& scope = scopes_[i];
      PairWriter(scope, config_.activations, *calibrator_, report_).run();
      GraphEdit(*scope.graph).remove_dead();
    }
    return std::move(report_);
  }

private:
  void quantize(Scope& scope, NodeId id) {
    const Node& node = scope.graph->node(id);
    const size_t observer = scope.observers.at(node.inputs[0]);
    if (config_.activations.adaptive && calibrator_->drifts(observer) &&
        measure_at_each_run(scope, id, observer))
      return;
    if (const auto x = calibrator_->params(observer))
      ProductRewriter(scope, id, config_, x->scale, report_).run();
    else
      report_.float_nodes.push_back({node.name, node.op_type, "no calibration sample reached it"});
  }

  // False when the node has no such form.
  bool measure_at_each_run(Scope& scope, NodeId id, size_t observer) {
    GraphEdit edit(*scope.graph);
    const Node node = scope.graph->node(id);
    const ValueId observed = node.inputs[0];
    const ValueId real = scope.graph->node(scope.graph->value(observed).producer).inputs[0];
    edit.set_input(id, 0, real);
    if (!quantize_dynamically(scope, id, config_, report_).empty()) {
      edit.set_input(id, 0, observed);
      return false;
    }
    const Calibrator::Scales scales = calibrator_->scales_of_samples(observer);
    report_.tensors.push_back({.name = scope.graph->value(real).name,
                               .node = node.name,
                               .type = DType::UInt8,
                               .scale_min = scales.min,
                               .scale_max = scales.max,
                               .granularity = "per-tensor",
                               .method = "dynamic",
                               .sqnr_db = NAN});
    return true;
  }

  QuantizeConfig config_;
  std::shared_ptr<Calibrator> calibrator_;
  std::vector<Scope> scopes_;
  size_t scope_at_ = 0, next_ = 0; // of the next_ product
  size_t done_ = 0, total_ = 0;
  QuantizationReport report_;
};
} // namespace

std::unique_ptr<Quantizer> make_static_quantizer(Graph& graph, QuantizeConfig config) {
  return std::make_unique<StaticQuantizer>(graph, std::move(config));
}

} // namespace octet
