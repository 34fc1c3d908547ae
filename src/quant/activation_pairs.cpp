#include "quant/activation_pairs.h"

#include <algorithm>
#include <cmath>

#include "graph/edit.h"
#include "ops/log2_ops.h"
#include "passes/match.h"
#include "quant/log2.h"
#include "quant/scopes.h"
#include "quant/weights.h"

namespace octet {
namespace {
constexpr std::string_view kMicrosoft = "com.microsoft";

// How the nodes of a pair are called, and what they read besides the value.
struct Pair {
  std::string_view quantize, dequantize;
  ValueId first, second;
};

// Older operator sets of ONNX have no codes of 16 bits; onnxruntime has pairs of its own for them.
std::string_view pair_domain(DType type, const ModelInfo& model) {
  constexpr int64_t kSixteenBits = 21;
  return dtype_bits(type) == 16 && model.opset("") < kSixteenBits ? kMicrosoft : "";
}

class PairWriter {
  using Site = ObservedValues::Site;

public:
  PairWriter(Graph& graph, const ActivationOptions& options, const Calibrator& calibrator,
             QuantizationReport& report)
      : graph_(graph), options_(options), calibrator_(calibrator), report_(report), uses_(graph),
        edit_(graph) {}

  // Whether an operator of com.microsoft was written.
  bool run(const ObservedValues& observed) {
    for (const Site& site : observed.sites) {
      const bool is_read = !readers_of(site).empty();
      if (const auto params = calibrator_.params(site.observer); params && is_read)
        write_pair(site, *params);
      else
        take_out(site.observe);
    }
    return contrib_used_;
  }

private:
  std::span<const NodeId> readers_of(const Site& site) const {
    return uses_.of(graph_.node(site.observe).outputs[0]);
  }

  void take_out(NodeId observe) {
    const ValueId in = graph_.node(observe).inputs[0], out = graph_.node(observe).outputs[0];
    edit_.replace_uses(out, in);
    edit_.remove_node(observe);
  }

  bool is_log2() const { return options_.scheme == ActivationScheme::Log2; }

  void write_pair(const Site& site, ScaleAndZero values) {
    const ValueId in = graph_.node(site.observe).inputs[0];
    const std::string name = graph_.value(in).name;
    const Pair pair = pair_of(site.observer, values, name);
    const std::string_view domain =
        is_log2() ? kFunctionDomain : pair_domain(calibrator_.type(site.observer), graph_.model);
    const auto node = [&](std::string_view suffix, std::string_view op_type, ValueId operand) {
      return Node{.name = concat(name, suffix),
                  .op_type = std::string(op_type),
                  .domain = std::string(domain),
                  .inputs = {operand, pair.first, pair.second}};
    };
    const NodeId quantize = edit_.insert_before(site.observe, node("_quantize", pair.quantize, in));
    const ValueId codes = edit_.new_value(name + "_quantized");
    edit_.produce(quantize, 0, codes);
    note(name, site);
    contrib_used_ |= domain == kMicrosoft;
    edit_.replace_node(site.observe, node("_dequantize", pair.dequantize, codes));
  }

  // Taps of one observer share their parameters' constants too.
  Pair pair_of(size_t observer, ScaleAndZero values, const std::string& name) {
    if (const auto found = pairs_.find(observer); found != pairs_.end()) return found->second;
    const auto constant = [&](std::string_view suffix, Tensor tensor) {
      return edit_.new_constant(concat(name, suffix), std::move(tensor));
    };
    const Tensor zero_point = scalar_code(values.zero_point, calibrator_.type(observer));
    if (!is_log2())
      return pairs_[observer] = {"QuantizeLinear", "DequantizeLinear",
                                 constant("_scale", Tensor::scalar<float>(values.scale)),
                                 constant("_zero_point", zero_point)};
    const Tensor levels = log2_level_table(calibrator_.log2_levels(observer));
    return pairs_[observer] = {"Log2Quantize", "Log2Dequantize",
                               constant("_zero_point", zero_point), constant("_levels", levels)};
  }

  void note(const std::string& name, const Site& site) {
    const std::span<const NodeId> readers = readers_of(site);
    report_.tensors.push_back(calibrator_.describe(
        site.observer, name, readers.empty() ? "" : graph_.node(readers.front()).name, false));
  }

  Graph& graph_;
  const ActivationOptions& options_;
  const Calibrator& calibrator_;
  QuantizationReport& report_;
  Uses uses_;
  std::unordered_map<size_t, Pair> pairs_; // by observer
  GraphEdit edit_;
  bool contrib_used_ = false;
};
} // namespace

ObservedValues observe_values(Graph& graph, const Assignment& assignment, Calibrator& calibrator) {
  ObservedValues observed;
  std::vector<size_t> observers; // by group
  const Uses uses(graph);
  GraphEdit edit(graph);
  for (const Assignment::Tap& tap : assignment.taps) {
    const std::string name = graph.value(tap.value).name;
    const std::span<const NodeId> all = uses.of(tap.value);
    std::vector<NodeId> readers(all.begin(), all.end());
    std::erase_if(readers, [&](NodeId id) {
      return assignment.real_readers.contains(id) ||
             assignment.wide_products.contains(id) != tap.is_wide;
    });
    if (tap.group == observers.size()) observers.push_back(calibrator.add_observer(tap.is_wide));
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
    observed.sites.push_back({id, observer});
    observed.observers[out] = observer;
  }
  return observed;
}

bool write_pairs(Graph& graph, const ObservedValues& observed, const ActivationOptions& options,
                 const Calibrator& calibrator, QuantizationReport& report) {
  if (options.scheme == ActivationScheme::Log2) import_own_functions(graph);
  return PairWriter(graph, options, calibrator, report).run(observed);
}

} // namespace octet
