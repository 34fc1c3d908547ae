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
#include "quant/product_rounding.h"
#include "quant/reduction_taps.h"
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

// A product, and the first tap on what it multiplies its weights with.
struct TappedProduct {
  WeightSite site;
  size_t tap;
};

struct Scope : DynamicScope {
  std::vector<NodeId> products = {};
  std::unordered_map<NodeId, TappedProduct> tapped = {};
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

// What calibration watches.
struct StaticSink final : ValueSink {
  StaticSink(const ActivationOptions& options, bool with_grams)
      : calibrator(options), reductions(with_grams) {}

  void observe(size_t tap, std::span<const float> values) override {
    calibrator.observe(tap, values);
  }
  void observe_reductions(size_t tap, std::span<const float> rows) override {
    reductions.observe_reductions(tap, rows);
  }

  Calibrator calibrator;
  ReductionSink reductions;
};

bool rounds_by_samples(const QuantizeConfig& config) {
  return config.weights.method == "adaround";
}

// Puts taps on what the products of a scope multiply, where samples are to say how to round.
void place_reduction_taps(Scope& scope, const QuantizeConfig& config, ReductionTaps& taps) {
  for (NodeId id : scope.products) {
    const Node& node = scope.graph->node(id);
    WeightSite site;
    site.scope = &scope;
    site.node = id;
    site.type = config.weights.type;
    if (!resolve_layout(node, scope.constant(node.inputs[1])->shape(), site).empty()) continue;
    const size_t columns = site.blocks.columns();
    site.blocks.block = site.blocks.length;
    if (rounds_by_samples(config) && columns > kMaxGramColumns) continue;
    if (const auto tap = taps.place(scope, id, columns, site.groups))
      scope.tapped.insert({id, {site, *tap}});
  }
}

// Quantizes the weights and the bias of a product.
class ProductRewriter {
public:
  // `tapped`: null unless samples say how to round.
  ProductRewriter(Scope& scope, NodeId id, const QuantizeConfig& config, float x_scale,
                  const TappedProduct* tapped, ReductionSink& reductions,
                  QuantizationReport& report)
      : scope_(scope), id_(id), node_(scope.graph->node(id)), config_(config), x_scale_(x_scale),
        report_(report), weights_(*scope.constant(node_.inputs[1])), edit_(*scope.graph) {
    const Shape& shape = weights_.shape();
    const WeightLayout layout{.channels = static_cast<size_t>(shape[axis()]),
                              .inner = shape.elements(axis() + 1, shape.rank())};
    q_ = quantize_weights(weights_.values<float>(), layout, config_.weights, false);
    if (tapped)
      rounding_.emplace(tapped->site, weights_.values<float>(), config_.weights, reductions,
                        tapped->tap);
  }

  // Does a part of the work; true when there is more.
  bool advance() {
    if (rounding_ && rounds_by_samples(config_) && rounding_->adapt(q_)) return true;
    write_weights();
    write_bias();
    return false;
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

  void write_weights() {
    const ValueId id = node_.inputs[1];
    const Shape& shape = weights_.shape();
    note(id);
    const bool per_channel = config_.weights.per_channel;
    const Shape params = per_channel ? Shape{shape[axis()]} : Shape{};
    std::vector<uint8_t> zeros;
    for (const int32_t zero : q_.zero_points) zeros.push_back(static_cast<uint8_t>(zero));
    dequantize(1, id,
               {constant(id, "_quantized", tensor_of_codes(q_.codes, config_.weights.type, shape)),
                constant(id, "_scale", Tensor::of<float>(params, q_.scales)),
                constant(id, "_zero_point", tensor_of_codes(zeros, config_.weights.type, params))},
               per_channel);
  }

  size_t channels() const { return static_cast<size_t>(weights_.shape()[axis()]); }

  // Whether it is a bias of one value per channel.
  bool is_bias(const Tensor* values) const {
    return is_float(values) && values->shape().rank() == 1 && values->elements() == channels();
  }

  void write_bias() {
    std::vector<float> loss;
    if (rounding_ && config_.correct_bias) loss = rounding_->mean_loss(q_);
    if (node_.op_type == "MatMul") {
      if (!loss.empty()) correct_sum(loss);
      return;
    }
    ValueId bias = node_.input(2);
    const Tensor* values = scope_.constant(bias);
    if (bias ? !is_bias(values) : loss.empty()) return;
    std::vector<float> values_now(channels());
    if (bias) {
      const auto given = values->values<float>();
      std::copy(given.begin(), given.end(), values_now.begin());
    }
    if (!loss.empty()) bias = correct(bias, loss, values_now);
    quantize_bias(bias, values_now, q_.scales);
  }

  // Makes a bias that the product reads instead of its own, if it has one.
  ValueId correct(ValueId bias, const std::vector<float>& loss, std::vector<float>& values) {
    const float alpha = node_.attributes.get_float("alpha", 1);
    for (size_t i = 0; i < loss.size(); ++i) values[i] += alpha * loss[i];
    const ValueId made = constant(bias ? bias : node_.outputs[0], "_corrected",
                                  Tensor::of<float>({static_cast<int64_t>(channels())}, values));
    edit_.set_input(id_, 2, made);
    return made;
  }

  // Of a MatMul, whose bias is added to its results by another node.
  void correct_sum(const std::vector<float>& loss) {
    const std::vector<NodeId> readers = scope_.graph->users(node_.outputs[0]);
    if (readers.size() != 1 || scope_.graph->is_output(node_.outputs[0])) return;
    const Node& sum = scope_.graph->node(readers[0]);
    if (sum.op_type != "Add" || !sum.domain.empty()) return;
    const size_t input = sum.inputs[0] == node_.outputs[0] ? 1 : 0;
    const ValueId bias = sum.inputs[input];
    const Tensor* values = scope_.constant(bias);
    if (!is_bias(values)) return;
    std::vector<float> corrected(loss);
    for (size_t i = 0; i < loss.size(); ++i) corrected[i] += values->values<float>()[i];
    edit_.set_input(readers[0], input,
                    constant(bias, "_corrected", Tensor::of<float>(values->shape(), corrected)));
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

  void note(ValueId id) {
    QuantizedTensor tensor =
        describe_weights(scope_.graph->value(id).name, node_.name, config_.weights, q_);
    if (rounding_ && rounds_by_samples(config_)) {
      tensor.method = "adaround";
      tensor.output_sqnr_db = rounding_->output_sqnr_db();
    }
    report_.tensors.push_back(std::move(tensor));
  }

  Scope& scope_;
  NodeId id_;
  const Node node_; // a copy: inserting nodes moves the graph's own
  const QuantizeConfig& config_;
  float x_scale_;
  QuantizationReport& report_;
  const Tensor weights_;
  QuantizedWeights q_;
  std::optional<ProductRounding> rounding_;
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
      : config_(std::move(config)),
        sink_(std::make_shared<StaticSink>(config_.activations, rounds_by_samples(config_))) {
    check_config(config_);
    report_.mode = "static";
    for (GraphScope& scope : scopes_of(graph)) scopes_.push_back({{std::move(scope)}});
    for (Scope& scope : scopes_) {
      Assignment assignment = assign(scope, config_);
      place_taps(scope, assignment, sink_->calibrator);
      scope.products = std::move(assignment.products);
      if (rounds_by_samples(config_) || config_.correct_bias)
        place_reduction_taps(scope, config_, taps_);
      total_ += scope.products.size();
      for (FloatNode& node : assignment.float_nodes) report_.float_nodes.push_back(std::move(node));
    }
  }

  std::shared_ptr<ValueSink> calibrator() override { return sink_; }
  bool digest() override { return sink_->reductions.digest(); }
  size_t done() const override { return done_; }
  size_t total() const override { return total_; }

  bool step() override {
    if (done_ == total_) return false;
    taps_.take_out();
    while (next_ == scopes_[scope_at_].products.size()) {
      ++scope_at_;
      next_ = 0;
    }
    Scope& scope = scopes_[scope_at_];
    if (!rewriter_) begin(scope, scope.products[next_]);
    if (rewriter_ && rewriter_->advance()) return true;
    rewriter_.reset();
    ++next_;
    return ++done_ < total_;
  }

  QuantizationReport finish() override {
    taps_.take_out();
    for (size_t i = scopes_.size(); i-- > 0;) {
      Scope& scope = scopes_[i];
      PairWriter(scope, config_.activations, sink_->calibrator, report_).run();
      GraphEdit(*scope.graph).remove_dead();
    }
    return std::move(report_);
  }

private:
  // Makes the rewriter of a product, unless it is quantized otherwise or not at all.
  void begin(Scope& scope, NodeId id) {
    const Node& node = scope.graph->node(id);
    const size_t observer = scope.observers.at(node.inputs[0]);
    if (config_.activations.adaptive && sink_->calibrator.drifts(observer) &&
        measure_at_each_run(scope, id, observer))
      return;
    const auto x = sink_->calibrator.params(observer);
    if (!x) {
      report_.float_nodes.push_back({node.name, node.op_type, "no calibration sample reached it"});
      return;
    }
    const auto tapped = scope.tapped.find(id);
    rewriter_.emplace(scope, id, config_, x->scale,
                      tapped == scope.tapped.end() ? nullptr : &tapped->second, sink_->reductions,
                      report_);
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
    const Calibrator::Scales scales = sink_->calibrator.scales_of_samples(observer);
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
  std::shared_ptr<StaticSink> sink_;
  ReductionTaps taps_{sink_->reductions};
  std::vector<Scope> scopes_;
  size_t scope_at_ = 0, next_ = 0; // of the next_ product
  size_t done_ = 0, total_ = 0;
  QuantizationReport report_;
  std::optional<ProductRewriter> rewriter_; // of the next_ product
};
} // namespace

std::unique_ptr<Quantizer> make_static_quantizer(Graph& graph, QuantizeConfig config) {
  return std::make_unique<StaticQuantizer>(graph, std::move(config));
}

} // namespace octet
