#include "quant/equalize.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include "graph/edit.h"

namespace octet {
namespace {
constexpr int kMostSweeps = 40;
constexpr float kSettled = 1e-3f;     // |log s| of a scale that need not move any more
constexpr float kLargestScale = 1e4f; // of one sweep, either way

// A convolution [outputs, inputs / groups, window] whose weights only it reads.
struct Layer {
  NodeId node;
  ValueId weight, bias; // no bias: none, or not constant
  size_t outputs, inputs, groups, window;

  size_t group_inputs() const { return inputs / groups; }
};

struct Pair {
  Layer first, second;
};

bool passes_scales_on(const Node& node) {
  static constexpr std::string_view kTypes[] = {"Relu", "LeakyRelu", "MaxPool", "AveragePool",
                                                "GlobalAveragePool"};
  return node.domain.empty() && node.outputs.size() == 1 &&
         std::find(std::begin(kTypes), std::end(kTypes), node.op_type) != std::end(kTypes);
}

// Equalizes the pairs of one graph.
class Equalizer {
public:
  Equalizer(GraphScope& scope, const QuantizeConfig& config)
      : config_(config), graph_(*scope.graph) {}

  void run(QuantizationReport& report) {
    find_pairs();
    bool moved = !pairs_.empty();
    for (int sweep = 0; moved && sweep < kMostSweeps; ++sweep) {
      moved = false;
      for (const Pair& pair : pairs_) moved |= balance(pair);
    }
    write();
    for (const Pair& pair : pairs_)
      report.rescaled.push_back({graph_.node(pair.second.node).name, "equalize"});
  }

private:
  // A float32 initializer of this graph with one reader.
  const Tensor* own_constant(ValueId id) const {
    const Tensor* tensor = id ? graph_.constant(id) : nullptr;
    return is_float(tensor) && graph_.value(id).uses == 1 ? tensor : nullptr;
  }

  std::optional<Layer> layer_of(NodeId id) const {
    const Node& node = graph_.node(id);
    if (node.op_type != "Conv" || !node.domain.empty()) return std::nullopt;
    if (!exclusion(node, config_).empty()) return std::nullopt;
    const Tensor* w = own_constant(node.inputs[1]);
    const int64_t groups = node.attributes.get_int("group", 1);
    if (!w || w->shape().rank() < 3 || w->elements() == 0 || groups < 1) return std::nullopt;
    const Shape& shape = w->shape();
    const auto outputs = static_cast<size_t>(shape[0]);
    const auto count = static_cast<size_t>(groups);
    if (outputs % count != 0) return std::nullopt;
    return Layer{.node = id,
                 .weight = node.inputs[1],
                 .bias = node.input(2),
                 .outputs = outputs,
                 .inputs = static_cast<size_t>(shape[1]) * count,
                 .groups = count,
                 .window = shape.elements(2, shape.rank())};
  }

  // The only node that reads a value, if there is one.
  std::optional<NodeId> only_reader(ValueId value) const {
    if (graph_.is_output(value) || graph_.value(value).uses != 1) return std::nullopt;
    const std::vector<NodeId> readers = graph_.users(value);
    if (readers.size() != 1 || graph_.node(readers[0]).inputs[0] != value) return std::nullopt;
    return readers[0];
  }

  void find_pairs() {
    for (NodeId id : graph_.nodes()) {
      const auto first = layer_of(id);
      if (!first || (first->bias && !is_bias(*first))) continue;
      auto next = only_reader(graph_.node(id).outputs[0]);
      while (next && passes_scales_on(graph_.node(*next)))
        next = only_reader(graph_.node(*next).outputs[0]);
      const auto second = next ? layer_of(*next) : std::nullopt;
      if (second && second->inputs == first->outputs) pairs_.push_back({*first, *second});
    }
  }

  bool is_bias(const Layer& layer) const {
    const Tensor* bias = own_constant(layer.bias);
    return bias && bias->elements() == layer.outputs;
  }

  std::vector<float>& values(ValueId id) {
    auto [found, added] = values_.try_emplace(id);
    if (added) {
      const auto given = graph_.constant(id)->values<float>();
      found->second.assign(given.begin(), given.end());
    }
    return found->second;
  }

  // Calls `body` with each weight that multiplies input channel `channel`.
  template <class Body>
  void each_weight_of_input(const Layer& layer, size_t channel, const Body& body) {
    std::vector<float>& w = values(layer.weight);
    const size_t per_group = layer.group_inputs(), rows = layer.outputs / layer.groups;
    const size_t group = channel / per_group;
    for (size_t row = group * rows; row < (group + 1) * rows; ++row)
      for (size_t i = 0; i < layer.window; ++i)
        body(w[(row * per_group + channel % per_group) * layer.window + i]);
  }

  // Calls `body` with each weight that makes output channel `channel`.
  template <class Body>
  void each_weight_of_output(const Layer& layer, size_t channel, const Body& body) {
    std::vector<float>& w = values(layer.weight);
    const size_t row = layer.group_inputs() * layer.window;
    for (size_t i = 0; i < row; ++i) body(w[channel * row + i]);
  }

  // True when a scale has moved.
  bool balance(const Pair& pair) {
    bool moved = false;
    for (size_t c = 0; c < pair.first.outputs; ++c) {
      float r1 = 0, r2 = 0;
      each_weight_of_output(pair.first, c, [&](float w) { r1 = std::max(r1, std::abs(w)); });
      each_weight_of_input(pair.second, c, [&](float w) { r2 = std::max(r2, std::abs(w)); });
      const float s = std::sqrt(r1 / r2);
      if (!(s > 1 / kLargestScale && s < kLargestScale)) continue; // a channel without weights
      each_weight_of_output(pair.first, c, [&](float& w) { w /= s; });
      if (pair.first.bias) values(pair.first.bias)[c] /= s;
      each_weight_of_input(pair.second, c, [&](float& w) { w *= s; });
      moved |= std::abs(std::log(s)) > kSettled;
    }
    return moved;
  }

  void write() {
    GraphEdit edit(graph_);
    for (auto& [id, values] : values_)
      edit.make_constant(id, Tensor::of<float>(graph_.constant(id)->shape(), values));
  }

  const QuantizeConfig& config_;
  Graph& graph_;
  std::vector<Pair> pairs_;
  std::map<ValueId, std::vector<float>> values_; // of weights and biases, as they become
};
} // namespace

void equalize(GraphScope& scope, const QuantizeConfig& config, QuantizationReport& report) {
  Equalizer(scope, config).run(report);
}

} // namespace octet
