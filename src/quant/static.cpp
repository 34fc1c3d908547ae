#include "quant/static.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>
#include <unordered_set>

#include "base/error.h"
#include "graph/edit.h"
#include "ops/log2_ops.h"
#include "quant/activation_pairs.h"
#include "quant/assign.h"
#include "quant/calibrator.h"
#include "quant/dynamic_site.h"
#include "quant/log2.h"
#include "quant/qoperators.h"
#include "quant/reduction_taps.h"
#include "quant/static_product.h"

namespace octet {
namespace {
struct Scope : DynamicScope {
  std::vector<NodeId> products = {};
  std::unordered_set<NodeId> wide_products = {};
  std::unordered_map<NodeId, TappedProduct> tapped = {};
  ObservedValues observed = {};
};

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

// Of the scheme log2: products say how many levels they can take.
void limit_levels(const Scope& scope, Calibrator& calibrator) {
  for (NodeId id : scope.products) {
    const Node& node = scope.graph->node(id);
    const Shape& weights = scope.constant(node.inputs[1])->shape();
    const int64_t channels = std::max<int64_t>(weights[channel_axis(node)], 1);
    calibrator.limit_levels(scope.observed.observers.at(node.inputs[0]),
                            most_log2_levels(weights.elements() / static_cast<size_t>(channels)));
  }
}

// Puts taps on what the products of a scope multiply, where samples are to say how to round.
void place_reduction_taps(Scope& scope, const QuantizeConfig& config, ReductionTaps& taps) {
  const size_t most = rounds_by_samples(config.weights) ? kMaxGramColumns : SIZE_MAX;
  for (NodeId id : scope.products)
    if (const auto tapped = tap_product(scope, id, config.weights.type, most, taps))
      scope.tapped.insert({id, *tapped});
}

void check_weights(const WeightOptions& weights) {
  if (weights.type != DType::Int8 && weights.type != DType::UInt8)
    fail(ErrorCode::InvalidOption, "weights.type: static quantization takes int8 or uint8, not ",
         dtype_name(weights.type));
  if (weights.block_size != 0)
    fail(ErrorCode::InvalidOption,
         "weights.blockSize: products of integers have no scales in blocks; weight-only "
         "quantization has");
  if (!rounds_by_samples(weights)) RangeRule(weights.method, weights.type, weights.symmetric);
}

// Measuring ranges at each run is for few codes, evenly spaced.
bool is_adaptive(const ActivationOptions& options) {
  return options.adaptive && options.scheme == ActivationScheme::Linear &&
         dtype_bits(options.type) == 8;
}

void check_activations(const ActivationOptions& options, QuantFormat format) {
  const bool is_log2 = options.scheme == ActivationScheme::Log2;
  if (is_log2 && format == QuantFormat::Operator)
    fail(ErrorCode::InvalidOption, "format: scheme log2 has no operators on codes (qoperator)");
  if (dtype_bits(options.type) == 16 && (is_log2 || format == QuantFormat::Operator))
    fail(ErrorCode::InvalidOption, "activations.type: ",
         is_log2 ? "scheme log2 takes" : "operators on codes (format qoperator) take",
         " uint8 or int8, not ", dtype_name(options.type));
}

void check_config(const QuantizeConfig& config) {
  check_weights(config.weights);
  check_activations(config.activations, config.format);
  for (const std::string& op_type : config.op_types)
    if (!is_static_op(op_type))
      fail(ErrorCode::InvalidOption, "opTypes: ", op_type, " has no statically quantized form");
}

class StaticQuantizer final : public Quantizer {
public:
  StaticQuantizer(Graph& graph, QuantizeConfig config)
      : config_(std::move(config)), sink_(std::make_shared<StaticSink>(
                                        config_.activations, rounds_by_samples(config_.weights))) {
    check_config(config_);
    report_.mode = "static";
    if (is_adaptive(config_.activations)) report_.drift_threshold = Calibrator::kMostDrift;
    for (GraphScope& scope : scopes_of(graph)) scopes_.push_back({{std::move(scope)}});
    for (Scope& scope : scopes_) {
      Assignment assignment = assign(scope, config_);
      scope.observed = observe_values(*scope.graph, assignment, sink_->calibrator);
      scope.products = std::move(assignment.products);
      scope.wide_products = std::move(assignment.wide_products);
      if (is_log2()) limit_levels(scope, sink_->calibrator);
      if (rounds_by_samples(config_.weights) || config_.correct_bias)
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
    if (sink_->calibrator.choose_next()) return true;
    if (!rewriter_ && !dynamic_) begin(scope, scope.products[next_]);
    if (rewriter_ ? rewriter_->advance() : dynamic_ && dynamic_->advance()) return true;
    if (rewriter_ && !rewriter_->refusal().empty())
      leave_in_float(scope, scope.products[next_], rewriter_->refusal());
    rewriter_.reset();
    dynamic_.reset();
    ++next_;
    return ++done_ < total_;
  }

  QuantizationReport finish() override {
    taps_.take_out();
    while (sink_->calibrator.choose_next()) {
    }
    bool contrib_used = false; // an operator of com.microsoft was written
    for (size_t i = scopes_.size(); i-- > 0;) {
      Scope& scope = scopes_[i];
      contrib_used |= write_pairs(*scope.graph, scope.observed, config_.activations,
                                  sink_->calibrator, report_);
      if (config_.format == QuantFormat::Operator) contrib_used |= write_qoperators(*scope.graph);
      GraphEdit(*scope.graph).remove_dead();
    }
    for (const Scope& scope : scopes_)
      if (contrib_used) import_opset(*scope.graph, "com.microsoft", 1);
    return std::move(report_);
  }

private:
  bool is_log2() const { return config_.activations.scheme == ActivationScheme::Log2; }

  // Makes the rewriter of a product, unless it is quantized otherwise or not at all.
  void begin(Scope& scope, NodeId id) {
    const Node& node = scope.graph->node(id);
    const size_t observer = scope.observed.observers.at(node.inputs[0]);
    if (is_adaptive(config_.activations) && sink_->calibrator.drifts(observer) &&
        measure_at_each_run(scope, id, observer))
      return;
    const auto x = sink_->calibrator.params(observer);
    if (!x) {
      report_.float_nodes.push_back({node.name, node.op_type, "no calibration sample reached it"});
      return;
    }
    const auto tapped = scope.tapped.find(id);
    rewriter_.emplace(scope, id, config_,
                      ProductInput{.scale = x->scale, .is_wide = scope.wide_products.contains(id)},
                      tapped == scope.tapped.end() ? nullptr : &tapped->second, sink_->reductions,
                      report_);
  }

  void leave_in_float(Scope& scope, NodeId id, std::string_view reason) {
    const Node& node = scope.graph->node(id);
    report_.float_nodes.push_back({node.name, node.op_type, std::string(reason)});
    GraphEdit(*scope.graph).set_input(id, 0, unobserved(scope, node.inputs[0]));
  }

  // What an Observe node reads.
  static ValueId unobserved(const Scope& scope, ValueId observed) {
    return scope.graph->node(scope.graph->value(observed).producer).inputs[0];
  }

  // False when the node has no such form.
  bool measure_at_each_run(Scope& scope, NodeId id, size_t observer) {
    GraphEdit edit(*scope.graph);
    const Node node = scope.graph->node(id);
    const ValueId observed = node.inputs[0];
    const ValueId real = unobserved(scope, observed);
    std::unique_ptr<ProductRounding> rounding;
    if (const auto tapped = scope.tapped.find(id);
        config_.correct_bias && tapped != scope.tapped.end())
      rounding = std::make_unique<ProductRounding>(tapped->second,
                                                   scope.constant(node.inputs[1])->values<float>(),
                                                   config_.weights, sink_->reductions);
    edit.set_input(id, 0, real);
    dynamic_ = std::make_unique<DynamicSite>(scope, id, config_, std::move(rounding), report_);
    if (!dynamic_->refusal().empty()) {
      dynamic_.reset();
      edit.set_input(id, 0, observed);
      return false;
    }
    report_.tensors.push_back(
        sink_->calibrator.describe(observer, scope.graph->value(real).name, node.name, true));
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
  std::unique_ptr<DynamicSite> dynamic_;    // the same, if its operand is measured at each run
};
} // namespace

std::unique_ptr<Quantizer> make_static_quantizer(Graph& graph, QuantizeConfig config) {
  return std::make_unique<StaticQuantizer>(graph, std::move(config));
}

} // namespace octet
