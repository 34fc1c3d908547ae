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
} // namespace

struct DynamicQuantizer::State {
  State(Graph& g, QuantizeConfig c) : graph(g), config(std::move(c)) {
    check_config(config);
    report.mode = "dynamic";
    for (GraphScope& scope : scopes_of(graph)) scopes.push_back({{std::move(scope)}});
    for (size_t i = 0; i < scopes.size(); ++i) collect_sites(i);
  }

  void collect_sites(size_t index) {
    Scope& scope = scopes[index];
    if (config.spectra_in_float)
      scope.near_spectra =
          nodes_near_spectra(*scope.graph, [&](ValueId id) { return scope.constant(id); });
    for (NodeId id : scope.graph->nodes()) {
      const Node& node = scope.graph->node(id);
      if (node.domain.empty() && quantizable(node.op_type)) sites.push_back({index, id});
    }
  }

  std::string quantize(const Site& site) {
    const Node& node = scopes[site.scope].graph->node(site.node);
    if (const std::string reason = exclusion(node, config); !reason.empty()) return reason;
    const auto& near_spectra = scopes[site.scope].near_spectra;
    if (const auto found = near_spectra.find(site.node); found != near_spectra.end())
      return std::string(found->second);
    return quantize_dynamically(scopes[site.scope], site.node, config, report);
  }

  Graph& graph;
  QuantizeConfig config;
  std::vector<Scope> scopes;
  std::vector<Site> sites;
  size_t done = 0;
  bool contrib_used = false; // an operator of com.microsoft was written
  QuantizationReport report;
};

DynamicQuantizer::DynamicQuantizer(Graph& graph, QuantizeConfig config)
    : state_(std::make_unique<State>(graph, std::move(config))) {}
DynamicQuantizer::~DynamicQuantizer() = default;

size_t DynamicQuantizer::done() const {
  return state_->done;
}
size_t DynamicQuantizer::total() const {
  return state_->sites.size();
}

bool DynamicQuantizer::step() {
  if (state_->done == state_->sites.size()) return false;
  const Site site = state_->sites[state_->done++];
  const Node node = state_->scopes[site.scope].graph->node(site.node);
  const std::string reason = state_->quantize(site);
  for (ValueId id : node.inputs)
    if (const Tensor* weights = state_->scopes[site.scope].constant(id)) weights->data().drop();
  if (!reason.empty())
    state_->report.float_nodes.push_back({node.name, node.op_type, reason});
  else if (node.op_type == "LSTM")
    state_->contrib_used = true;
  return state_->done < state_->sites.size();
}

QuantizationReport DynamicQuantizer::finish() {
  for (size_t i = state_->scopes.size(); i-- > 0;) {
    GraphEdit(*state_->scopes[i].graph).remove_dead();
    if (state_->contrib_used) import_opset(*state_->scopes[i].graph, "com.microsoft", 1);
  }
  return std::move(state_->report);
}

} // namespace octet
