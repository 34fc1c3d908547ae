#include "quant/equalize.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <unordered_set>

#include "graph/edit.h"
#include "passes/match.h"
#include "quant/weight_site.h"

namespace octet {
namespace {
constexpr int kMostSweeps = 40;
constexpr size_t kEnoughWeights = 1 << 19; // between two chances to stop
constexpr float kSettled = 1e-3f;          // |log s| of a scale that need not move any more
constexpr float kLargestScale = 1e4f;      // of one sweep, either way

// Where the channels of a value lie.
enum class Axis : uint8_t { Second, Last };

// A product whose weights only it reads.
struct Layer {
  NodeId node;
  ValueId weight;
  size_t rows, row_stride, columns, column_stride, groups; // columns of one row
  Axis axis;
  size_t rank; // of the weights

  size_t inputs(size_t window) const { return columns / window * groups; }
};

// A layer that reads channels of another; `window` of its columns belong to one of them.
struct Reader {
  Layer layer;
  size_t window;
};

// A layer and all that reads its channels, with nothing but functions in between that pass scales
// on.
struct Link {
  Layer first;
  ValueId bias = {}; // none, or one value per channel
  std::vector<Reader> readers = {};
  std::vector<NodeId> clips = {};
  std::vector<float> scales = {}; // by channel: what it is divided by
};

// What the bounds of a Clip are divided by.
struct Bounds {
  std::vector<float> scales = {}; // by channel
  Shape shape = {};

  void divide(const Link& link) {
    if (scales.empty()) {
      scales.assign(link.scales.size(), 1);
      shape = {static_cast<int64_t>(scales.size())};
      if (link.first.axis == Axis::Second)
        for (size_t i = 2; i < link.first.rank; ++i) shape.push_back(1);
    }
    for (size_t c = 0; c < scales.size(); ++c) scales[c] *= link.scales[c];
  }

  ValueId constant(GraphEdit& edit, const std::string& name, float bound) const {
    std::vector<float> by_channel;
    for (const float scale : scales) by_channel.push_back(bound / scale);
    return edit.new_constant(name, Tensor::of<float>(shape, by_channel));
  }
};

// On the way from the first layer to a reader.
struct Place {
  ValueId value;
  Axis axis;
  size_t window = 1; // elements of one channel that lie side by side
  bool gated = false;
};

bool is_one_of(const Node& node, std::initializer_list<std::string_view> types) {
  return node.domain.empty() && std::find(types.begin(), types.end(), node.op_type) != types.end();
}

class Equalizer final : public Equalization {
public:
  Equalizer(GraphScope& scope, const QuantizeConfig& config, QuantizationReport& report)
      : scope_(scope), config_(config), report_(report), graph_(*scope.graph), uses_(graph_) {
    find_links();
  }

  bool advance() override {
    if (at_ < links_.size()) {
      balance_some();
    } else if (moved_ && ++sweep_ < kMostSweeps) {
      at_ = 0;
      moved_ = false;
    } else if (!values_.empty()) {
      write_constant();
    } else {
      write_clips();
      note();
      return false;
    }
    return true;
  }

private:
  // A float32 initializer of this graph with one reader.
  const Tensor* own_constant(ValueId id) const {
    const Tensor* tensor = id ? graph_.constant(id) : nullptr;
    return is_float(tensor) && graph_.value(id).uses == 1 ? tensor : nullptr;
  }

  std::optional<Layer> layer_of(NodeId id) const {
    const Node& node = graph_.node(id);
    if (!is_one_of(node, {"Conv", "MatMul", "Gemm"})) return std::nullopt;
    if (!exclusion(node, config_).empty()) return std::nullopt;
    const Tensor* w = own_constant(node.inputs[1]);
    if (!w || w->elements() == 0) return std::nullopt;
    WeightSite site;
    site.scope = &scope_;
    site.node = id;
    site.type = config_.weights.type;
    if (!resolve_layout(node, w->shape(), site).empty()) return std::nullopt;
    return Layer{.node = id,
                 .weight = node.inputs[1],
                 .rows = site.rows,
                 .row_stride = site.row_stride,
                 .columns = site.blocks.columns(),
                 .column_stride = site.column_stride,
                 .groups = site.groups,
                 .axis = node.op_type == "Conv" ? Axis::Second : Axis::Last,
                 .rank = w->shape().rank()};
  }

  // --- links

  void find_links() {
    for (NodeId id : graph_.nodes()) {
      const auto first = layer_of(id);
      if (!first) continue;
      Link link{.first = *first, .scales = std::vector<float>(first->rows, 1)};
      seen_.clear();
      const auto results = results_of(link);
      if (results && follow(link, {*results, first->axis}) && !link.readers.empty())
        links_.push_back(std::move(link));
    }
  }

  bool is_bias(const Link& link, ValueId id) const {
    const Tensor* bias = own_constant(id);
    return bias && bias->shape().rank() > 0 && bias->elements() == link.first.rows &&
           bias->shape()[bias->shape().rank() - 1] == static_cast<int64_t>(link.first.rows);
  }

  // What a layer and its bias compute.
  std::optional<ValueId> results_of(Link& link) const {
    const Node& node = graph_.node(link.first.node);
    const ValueId product = node.outputs[0];
    link.bias = node.input(2);
    if (link.bias) return is_bias(link, link.bias) ? std::optional(product) : std::nullopt;
    const NodeId next = node.op_type == "MatMul" ? uses_.only_reader(product) : NodeId();
    if (!next || !is_op(graph_.node(next), "Add")) return product;
    link.bias = other_input(graph_.node(next), product);
    return is_bias(link, link.bias) ? std::optional(graph_.node(next).outputs[0]) : std::nullopt;
  }

  // Collects all that reads the channels of a value. False where scales don't pass.
  bool follow(Link& link, const Place& place) {
    const auto readers = uses_.of(place.value);
    return !graph_.is_output(place.value) &&
           std::all_of(readers.begin(), readers.end(),
                       [&](NodeId id) { return follow_into(link, place, id); });
  }

  bool follow_into(Link& link, const Place& place, NodeId id) {
    const Node& node = graph_.node(id);
    if (!seen_.insert(id).second) return false; // it meets the same channels twice
    if (std::count(node.inputs.begin(), node.inputs.end(), place.value) != 1) return false;
    if (is_one_of(node, {"Conv", "MatMul", "Gemm"}))
      return node.inputs[0] == place.value && add_reader(link, place, id);
    Place next = place;
    next.value = node.outputs[0];
    if (is_one_of(node, {"Mul"})) {
      next.gated = true;
      return follow(link, next);
    }
    if (node.inputs[0] != place.value || node.outputs.size() != 1) return false;
    if (is_one_of(node, {"Relu", "LeakyRelu", "PRelu"})) return follow(link, next);
    if (is_one_of(node, {"Clip"})) {
      link.clips.push_back(id);
      return clip_bounds(graph_, node).has_value() && follow(link, next);
    }
    if (place.axis != Axis::Second) return false;
    if (is_one_of(node, {"MaxPool", "AveragePool", "GlobalMaxPool", "GlobalAveragePool"}))
      return follow(link, next);
    return !place.gated && flattens(node) && follow(link, {next.value, Axis::Last, 0});
  }

  // [batch, channels, …] → [batch, channels · …]
  bool flattens(const Node& node) const {
    if (is_one_of(node, {"Flatten"})) return node.attributes.get_int("axis", 1) == 1;
    const Tensor* shape = is_one_of(node, {"Reshape"}) ? graph_.constant(node.inputs[1]) : nullptr;
    return shape && node.attributes.get_int("allowzero", 0) == 0 &&
           int64_values(*shape, "Reshape") == std::vector<int64_t>{0, -1};
  }

  // A place with a window of 0 has as many elements per channel as the layer has columns for.
  bool add_reader(Link& link, const Place& place, NodeId id) {
    const auto layer = layer_of(id);
    if (!layer || layer->axis != place.axis) return false;
    const size_t channels = link.first.rows;
    size_t window = place.window;
    if (layer->axis == Axis::Second) {
      const Shape& shape = graph_.constant(layer->weight)->shape();
      if (layer->rank != link.first.rank) return false;
      window = shape.elements(2, shape.rank());
    } else if (window == 0) {
      window = layer->columns / channels;
    }
    if (window == 0 || layer->columns % window != 0 || layer->inputs(window) != channels)
      return false;
    link.readers.push_back({*layer, window});
    return true;
  }

  // --- scales

  std::vector<float>& values(ValueId id) {
    auto [found, added] = values_.try_emplace(id);
    if (added) {
      const auto given = graph_.constant(id)->values<float>();
      found->second.assign(given.begin(), given.end());
    }
    return found->second;
  }

  // Calls `body` with each weight of a layer that multiplies input channel `channel`.
  template <class Body>
  void each_weight_of_input(const Reader& reader, size_t channel, const Body& body) {
    const Layer& layer = reader.layer;
    std::vector<float>& w = values(layer.weight);
    const size_t per_group = layer.columns / reader.window, rows = layer.rows / layer.groups;
    const size_t group = channel / per_group, column = channel % per_group * reader.window;
    for (size_t row = group * rows; row < (group + 1) * rows; ++row)
      for (size_t i = 0; i < reader.window; ++i)
        body(w[row * layer.row_stride + (column + i) * layer.column_stride]);
  }

  // Calls `body` with each weight that makes output channel `channel`.
  template <class Body>
  void each_weight_of_output(const Layer& layer, size_t channel, const Body& body) {
    std::vector<float>& w = values(layer.weight);
    for (size_t i = 0; i < layer.columns; ++i)
      body(w[channel * layer.row_stride + i * layer.column_stride]);
  }

  void balance_some() {
    for (size_t weights = 0; at_ < links_.size() && weights < kEnoughWeights;) {
      Link& link = links_[at_];
      weights += weights_of_channel(link);
      balance(link, channel_);
      if (++channel_ < link.first.rows) continue;
      channel_ = 0;
      ++at_;
    }
  }

  static size_t weights_of_channel(const Link& link) {
    size_t weights = link.first.columns;
    for (const auto& [layer, window] : link.readers) weights += layer.rows / layer.groups * window;
    return weights;
  }

  void balance(Link& link, size_t c) {
    float r1 = 0, r2 = 0;
    each_weight_of_output(link.first, c, [&](float w) { r1 = std::max(r1, std::abs(w)); });
    for (const Reader& reader : link.readers)
      each_weight_of_input(reader, c, [&](float w) { r2 = std::max(r2, std::abs(w)); });
    const float s = std::sqrt(r1 / r2);
    if (!(s > 1 / kLargestScale && s < kLargestScale)) return; // a channel without weights
    each_weight_of_output(link.first, c, [&](float& w) { w /= s; });
    if (link.bias) values(link.bias)[c] /= s;
    for (const Reader& reader : link.readers)
      each_weight_of_input(reader, c, [&](float& w) { w *= s; });
    link.scales[c] *= s;
    moved_ |= std::abs(std::log(s)) > kSettled;
  }

  // --- what becomes of the graph

  void write_constant() {
    const auto written = values_.extract(values_.begin());
    const ValueId id = written.key();
    GraphEdit(graph_).make_constant(
        id, Tensor::of<float>(graph_.constant(id)->shape(), written.mapped()));
  }

  void write_clips() {
    GraphEdit edit(graph_);
    std::map<NodeId, Bounds> bounds;
    for (const Link& link : links_)
      for (NodeId clip : link.clips) bounds[clip].divide(link);
    for (const auto& [clip, by_channel] : bounds) scale_bounds(edit, by_channel, clip);
  }

  void note() {
    for (const Link& link : links_)
      for (const Reader& reader : link.readers)
        report_.rescaled.push_back({graph_.node(reader.layer.node).name, "equalize"});
  }

  // Clip has one bound for all channels: one of bounds by channel is a Max and a Min.
  void scale_bounds(GraphEdit& edit, const Bounds& scales, NodeId clip) {
    const auto [low, high] = *clip_bounds(graph_, graph_.node(clip));
    const std::string name = graph_.node(clip).name;
    ValueId x = graph_.node(clip).inputs[0];
    if (low > std::numeric_limits<float>::lowest()) {
      Node raise{.name = name + "_low", .op_type = low == 0 ? "Relu" : "Max", .inputs = {x}};
      if (low != 0) raise.inputs.push_back(scales.constant(edit, name + "_low", low));
      const NodeId made = edit.insert_before(clip, std::move(raise));
      x = edit.new_value(name + "_low");
      edit.produce(made, 0, x);
    }
    edit.replace_node(
        clip, {.op_type = "Min", .inputs = {x, scales.constant(edit, name + "_high", high)}});
  }

  GraphScope& scope_;
  const QuantizeConfig& config_;
  QuantizationReport& report_;
  Graph& graph_;
  const Uses uses_;
  std::vector<Link> links_;
  size_t at_ = 0, channel_ = 0; // the link and its channel that are next to be balanced
  int sweep_ = 0;
  bool moved_ = false;                           // a scale, in this sweep
  std::unordered_set<NodeId> seen_;              // by the walk from one layer
  std::map<ValueId, std::vector<float>> values_; // of weights and biases, as they become
};
} // namespace

std::unique_ptr<Equalization> make_equalization(GraphScope& scope, const QuantizeConfig& config,
                                                QuantizationReport& report) {
  return std::make_unique<Equalizer>(scope, config, report);
}

} // namespace octet
