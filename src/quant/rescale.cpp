#include "quant/rescale.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "graph/edit.h"
#include "quant/absorb_scales.h"
#include "quant/equalize.h"
#include "quant/reduction_taps.h"
#include "quant/weight_site.h"

namespace octet {
namespace {
constexpr float kSmallestRange = 1e-5f; // of activations and weights that scales are made from

// The matrix products of a graph that read one value.
struct Smoothed {
  GraphScope* scope;
  ValueId input;
  size_t columns;
  std::vector<WeightSite> products;
  size_t tap = 0;
};

class Rescaler final : public Quantizer {
public:
  Rescaler(Graph& graph, QuantizeConfig config)
      : config_(std::move(config)), scopes_(scopes_of(graph)) {
    if (!(config_.smooth >= 0 && config_.smooth <= 1))
      fail(ErrorCode::InvalidOption, "correct.smoothQuant: a number from 0 to 1 expected");
    report_.mode = "rescale";
    if (config_.smooth > 0)
      for (GraphScope& scope : scopes_) find_products(scope);
    for (Smoothed& each : smoothed_)
      each.tap = *taps_.place(*each.scope, each.products.front().node, each.columns, 1);
  }

  std::shared_ptr<ValueSink> calibrator() override { return config_.smooth > 0 ? sink_ : nullptr; }
  size_t done() const override { return done_; }
  size_t total() const override { return scopes_.size() + smoothed_.size(); }

  bool step() override {
    if (done_ == total()) return false;
    taps_.take_out();
    if (done_ >= scopes_.size())
      smooth(smoothed_[done_ - scopes_.size()]);
    else if (config_.equalize && equalize_part())
      return true;
    return ++done_ < total();
  }

  QuantizationReport finish() override {
    taps_.take_out();
    for (size_t i = scopes_.size(); i-- > 0;) GraphEdit(*scopes_[i].graph).remove_dead();
    return std::move(report_);
  }

private:
  // Of the next graph; true when there is more.
  bool equalize_part() {
    if (!equalization_) equalization_ = make_equalization(scopes_[done_], config_, report_);
    if (equalization_->advance()) return true;
    equalization_.reset();
    return false;
  }

  void find_products(GraphScope& scope) {
    const size_t first = smoothed_.size();
    for (NodeId id : scope.graph->nodes()) {
      const Node& node = scope.graph->node(id);
      if (!node.domain.empty() || (node.op_type != "MatMul" && node.op_type != "Gemm")) continue;
      if (!exclusion(node, config_).empty() || scope.constant(node.inputs[0])) continue;
      const Tensor* w = scope.graph->constant(node.inputs[1]);
      if (!is_float(w) || w->elements() == 0 || scope.graph->value(node.inputs[1]).uses != 1)
        continue;
      WeightSite site;
      site.scope = &scope;
      site.node = id;
      if (!resolve_layout(node, w->shape(), site).empty()) continue;
      group_of(first, scope, node.inputs[0], site.blocks.length).products.push_back(site);
    }
  }

  Smoothed& group_of(size_t first, GraphScope& scope, ValueId input, size_t columns) {
    for (size_t i = first; i < smoothed_.size(); ++i)
      if (smoothed_[i].input == input && smoothed_[i].columns == columns) return smoothed_[i];
    return smoothed_.emplace_back(Smoothed{&scope, input, columns, {}});
  }

  // By column: what the operand is divided by. Nothing where no sample came.
  std::vector<float> scales_of(const Smoothed& group) const {
    const std::vector<float>& operand = sink_->largest(group.tap);
    if (*std::max_element(operand.begin(), operand.end()) == 0) return {};
    std::vector<float> weights(group.columns);
    for (const WeightSite& site : group.products) {
      const auto w = site.scope->constant(site.weight())->values<float>();
      for (size_t j = 0; j < group.columns; ++j)
        for (size_t row = 0; row < site.rows; ++row)
          weights[j] =
              std::max(weights[j], std::abs(w[row * site.row_stride + j * site.column_stride]));
    }
    std::vector<float> scales;
    for (size_t j = 0; j < group.columns; ++j)
      scales.push_back(std::pow(std::max(operand[j], kSmallestRange), config_.smooth) /
                       std::pow(std::max(weights[j], kSmallestRange), 1 - config_.smooth));
    return scales;
  }

  void smooth(const Smoothed& group) {
    const std::vector<float> scales = scales_of(group);
    if (scales.empty()) return;
    Graph& graph = *group.scope->graph;
    GraphEdit edit(graph);
    for (const WeightSite& site : group.products) {
      scale_weights(edit, site, scales);
      report_.rescaled.push_back({graph.node(site.node).name, "smooth-quant"});
    }
    std::vector<NodeId> readers;
    for (const WeightSite& site : group.products) readers.push_back(site.node);
    if (!absorb_scales(*group.scope, group.input, readers, scales, config_))
      divide_in_front(edit, group, scales);
  }

  static void divide_in_front(GraphEdit& edit, const Smoothed& group,
                              const std::vector<float>& scales) {
    std::vector<float> factors;
    for (const float scale : scales) factors.push_back(1 / scale);
    const std::string name = edit.graph().value(group.input).name;
    const ValueId factor = edit.new_constant(
        name + "_smoothing", Tensor::of<float>({static_cast<int64_t>(factors.size())}, factors));
    const NodeId made = edit.insert_before(
        group.products.front().node,
        {.name = name + "_smooth", .op_type = "Mul", .inputs = {group.input, factor}});
    const ValueId out = edit.new_value(name + "_smoothed");
    edit.produce(made, 0, out);
    for (const WeightSite& site : group.products) edit.set_input(site.node, 0, out);
  }

  static void scale_weights(GraphEdit& edit, const WeightSite& site,
                            const std::vector<float>& scales) {
    const Tensor w = *site.scope->constant(site.weight());
    const auto given = w.values<float>();
    std::vector<float> scaled(given.begin(), given.end());
    for (size_t row = 0; row < site.rows; ++row)
      for (size_t j = 0; j < scales.size(); ++j)
        scaled[row * site.row_stride + j * site.column_stride] *= scales[j];
    edit.make_constant(site.weight(), Tensor::of<float>(w.shape(), scaled));
  }

  QuantizeConfig config_;
  std::vector<GraphScope> scopes_;
  std::shared_ptr<ReductionSink> sink_ = std::make_shared<ReductionSink>(false);
  ReductionTaps taps_{*sink_};
  std::vector<Smoothed> smoothed_;
  std::unique_ptr<Equalization> equalization_; // of the next graph, once begun
  size_t done_ = 0;
  QuantizationReport report_;
};
} // namespace

std::unique_ptr<Quantizer> make_rescaler(Graph& graph, QuantizeConfig config) {
  return std::make_unique<Rescaler>(graph, std::move(config));
}

} // namespace octet
