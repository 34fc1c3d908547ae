#include "quant/activation_pairs.h"

#include <algorithm>
#include <cmath>

#include "graph/edit.h"
#include "quant/weights.h"

namespace octet {
namespace {
struct Params {
  ValueId scale, zero_point;
};

class PairWriter {
  using Site = ObservedValues::Site;

public:
  PairWriter(Graph& graph, const ActivationOptions& options, const Calibrator& calibrator,
             QuantizationReport& report)
      : graph_(graph), options_(options), calibrator_(calibrator), report_(report), edit_(graph) {}

  void run(const ObservedValues& observed) {
    for (const Site& site : observed.sites) {
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
    note(name, site);
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

  void note(const std::string& name, const Site& site) {
    const auto readers = graph_.users(graph_.node(site.observe).outputs[0]);
    report_.tensors.push_back(calibrator_.describe(
        site.observer, name, readers.empty() ? "" : graph_.node(readers.front()).name, false));
  }

  Graph& graph_;
  const ActivationOptions& options_;
  const Calibrator& calibrator_;
  QuantizationReport& report_;
  std::unordered_map<size_t, Params> params_; // by observer
  GraphEdit edit_;
};
} // namespace

ObservedValues observe_values(Graph& graph, const Assignment& assignment, Calibrator& calibrator) {
  ObservedValues observed;
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
    observed.sites.push_back({id, observer});
    observed.observers[out] = observer;
  }
  return observed;
}

void write_pairs(Graph& graph, const ObservedValues& observed, const ActivationOptions& options,
                 const Calibrator& calibrator, QuantizationReport& report) {
  PairWriter(graph, options, calibrator, report).run(observed);
}

} // namespace octet
