#include "quant/dynamic.h"

#include "base/error.h"
#include "graph/edit.h"
#include "quant/dynamic_site.h"
#include "quant/spectra.h"
#include "quant/weight_range.h"

namespace octet {
namespace {
// A graph or subgraph under quantization.
struct Scope : DynamicScope {
  std::unordered_map<NodeId, NearSpectrum> near_spectra = {};
};

struct Site {
  size_t scope;
  NodeId node;
  std::optional<TappedProduct> tapped = {}; // where samples correct its bias
};

bool quantizable(const std::string& op_type) {
  return op_type == "MatMul" || op_type == "Gemm" || op_type == "Conv" || op_type == "LSTM";
}

void check_config(const QuantizeConfig& config) {
  if (config.weights.type != DType::Int8 && config.weights.type != DType::UInt8)
    fail(ErrorCode::InvalidOption, "weights.type: dynamic quantization takes int8 or uint8, not ",
         dtype_name(config.weights.type));
  RangeRule(config.weights.method, config.weights.type, config.weights.symmetric);
  for (const std::string& op_type : config.op_types)
    if (!quantizable(op_type))
      fail(ErrorCode::InvalidOption, "opTypes: ", op_type, " has no dynamically quantized form");
}

class DynamicQuantizer final : public Quantizer {
public:
  DynamicQuantizer(Graph& graph, QuantizeConfig config) : config_(std::move(config)) {
    check_config(config_);
    report_.mode = "dynamic";
    for (GraphScope& scope : scopes_of(graph)) scopes_.push_back({{std::move(scope)}});
    for (size_t i = 0; i < scopes_.size(); ++i) collect_sites(i);
    if (config_.correct_bias)
      for (Site& site : sites_) tap(site);
  }

  std::shared_ptr<ValueSink> calibrator() override {
    return config_.correct_bias ? sink_ : nullptr;
  }

  size_t done() const override { return done_; }
  size_t total() const override { return sites_.size(); }

  bool step() override {
    if (done_ == sites_.size()) return false;
    taps_.take_out();
    if (!work_ && !begin(sites_[done_])) return ++done_ < sites_.size();
    if (work_->advance()) return true;
    work_.reset();
    return ++done_ < sites_.size();
  }

  QuantizationReport finish() override {
    taps_.take_out();
    for (size_t i = scopes_.size(); i-- > 0;) {
      GraphEdit(*scopes_[i].graph).remove_dead();
      if (contrib_used_) import_opset(*scopes_[i].graph, "com.microsoft", 1);
    }
    return std::move(report_);
  }

private:
  void collect_sites(size_t index) {
    Scope& scope = scopes_[index];
    if (config_.spectra != SpectrumHandling::AsOthers)
      scope.near_spectra =
          nodes_near_spectra(*scope.graph, [&](ValueId id) { return scope.constant(id); });
    for (NodeId id : scope.graph->nodes()) {
      const Node& node = scope.graph->node(id);
      if (node.domain.empty() && quantizable(node.op_type)) sites_.push_back({index, id});
    }
  }

  void tap(Site& site) {
    Scope& scope = scopes_[site.scope];
    const Node& node = scope.graph->node(site.node);
    if (node.op_type == "LSTM" || !exclusion(node, config_).empty()) return;
    site.tapped = tap_product(scope, site.node, config_.weights.type, SIZE_MAX, taps_);
  }

  // False when the node stays in float.
  bool begin(const Site& site) {
    Scope& scope = scopes_[site.scope];
    const Node& node = scope.graph->node(site.node);
    std::string reason = exclusion(node, config_);
    if (const auto found = scope.near_spectra.find(site.node);
        reason.empty() && found != scope.near_spectra.end())
      reason = found->second.reason;
    if (reason.empty()) {
      work_ = std::make_unique<DynamicSite>(scope, site.node, config_, rounding_of(site), report_);
      reason = work_->refusal();
    }
    if (reason.empty() && node.op_type == "LSTM") contrib_used_ = true;
    if (reason.empty()) return true;
    work_.reset();
    report_.float_nodes.push_back({node.name, node.op_type, std::move(reason)});
    return false;
  }

  std::unique_ptr<ProductRounding> rounding_of(const Site& site) {
    if (!site.tapped) return nullptr;
    const Scope& scope = scopes_[site.scope];
    const Tensor* weights = scope.constant(scope.graph->node(site.node).inputs[1]);
    return std::make_unique<ProductRounding>(*site.tapped, weights->values<float>(),
                                             config_.weights, *sink_);
  }

  QuantizeConfig config_;
  std::vector<Scope> scopes_;
  std::vector<Site> sites_;
  std::shared_ptr<ReductionSink> sink_ = std::make_shared<ReductionSink>(false);
  ReductionTaps taps_{*sink_};
  size_t done_ = 0;
  std::unique_ptr<DynamicSite> work_; // on the next site
  bool contrib_used_ = false;         // an operator of com.microsoft was written
  QuantizationReport report_;
};
} // namespace

std::unique_ptr<Quantizer> make_dynamic_quantizer(Graph& graph, QuantizeConfig config) {
  return std::make_unique<DynamicQuantizer>(graph, std::move(config));
}

} // namespace octet
