#include "quant/dynamic.h"

#include "base/error.h"
#include "graph/edit.h"
#include "quant/dynamic_site.h"
#include "quant/spectra.h"

namespace octet {
namespace {
// A graph or subgraph under quantization.
struct Scope : DynamicScope {
  std::unordered_map<NodeId, std::string_view> near_spectra = {};
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
    const Site site = sites_[done_++];
    const Node node = scopes_[site.scope].graph->node(site.node);
    const std::string reason = quantize(site);
    for (ValueId id : node.inputs)
      if (const Tensor* weights = scopes_[site.scope].constant(id)) weights->data().drop();
    if (!reason.empty())
      report_.float_nodes.push_back({node.name, node.op_type, reason});
    else if (node.op_type == "LSTM")
      contrib_used_ = true;
    return done_ < sites_.size();
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
    if (config_.spectra_in_float)
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

  std::string quantize(const Site& site) {
    const Node& node = scopes_[site.scope].graph->node(site.node);
    if (const std::string reason = exclusion(node, config_); !reason.empty()) return reason;
    const auto& near_spectra = scopes_[site.scope].near_spectra;
    if (const auto found = near_spectra.find(site.node); found != near_spectra.end())
      return std::string(found->second);
    Scope& scope = scopes_[site.scope];
    std::optional<ProductRounding> rounding;
    if (site.tapped)
      rounding.emplace(*site.tapped, scope.constant(node.inputs[1])->values<float>(),
                       config_.weights, *sink_);
    return quantize_dynamically(scope, site.node, config_, rounding ? &*rounding : nullptr,
                                report_);
  }

  QuantizeConfig config_;
  std::vector<Scope> scopes_;
  std::vector<Site> sites_;
  std::shared_ptr<ReductionSink> sink_ = std::make_shared<ReductionSink>(false);
  ReductionTaps taps_{*sink_};
  size_t done_ = 0;
  bool contrib_used_ = false; // an operator of com.microsoft was written
  QuantizationReport report_;
};
} // namespace

std::unique_ptr<Quantizer> make_dynamic_quantizer(Graph& graph, QuantizeConfig config) {
  return std::make_unique<DynamicQuantizer>(graph, std::move(config));
}

} // namespace octet
