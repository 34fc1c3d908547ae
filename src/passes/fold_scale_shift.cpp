#include "passes/fold_scale_shift.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>

#include "graph/edit.h"
#include "ops/multiply.h"
#include "passes/match.h"

namespace octet {
namespace {
struct ScaleShift {
  std::vector<float> scale, shift; // one per channel
};

struct ConvSite {
  NodeId conv;
  size_t rank = 0;
  int64_t channels = 0; // of the output
  size_t groups = 1;
  bool is_transposed = false;
};

// Weights come in stretches of one output channel each: those of Conv are [O, I / groups, kernel…],
// those of ConvTranspose [I, O / groups, kernel…].
struct ChannelStretches {
  ChannelStretches(const ConvSite& site, const Shape& w)
      : length(w.elements(site.is_transposed ? 2 : 1, w.rank())),
        per_group(site.is_transposed ? w.elements(1, 2) : 1),
        inputs_per_group(site.is_transposed ? w.elements(0, 1) / site.groups : 1) {}

  size_t channel_of(size_t stretch) const {
    return stretch / per_group / inputs_per_group * per_group + stretch % per_group;
  }

  size_t length, per_group, inputs_per_group;
};

// Weights times the scales of their channels, made when they are read: a copy of them all would
// double the model.
class ScaledWeights final : public ByteSource {
public:
  ScaledWeights(const ConvSite& site, Tensor weights, std::vector<float> scale)
      : stretches_(site, weights.shape()), weights_(std::move(weights)), scale_(std::move(scale)) {}

  bool is_computed() const override { return true; }
  void read(size_t offset, std::span<uint8_t> to) const override {
    weights_.data().read(offset, to);
    weights_.data().drop();
    auto* values = reinterpret_cast<float*>(to.data());
    size_t at = offset / sizeof(float);
    for (const size_t end = at + to.size() / sizeof(float); at < end;) {
      const size_t stretch = at / stretches_.length;
      const size_t count = std::min(end, (stretch + 1) * stretches_.length) - at;
      multiply({values, count}, scale_[stretches_.channel_of(stretch)], values);
      values += count;
      at += count;
    }
  }

private:
  ChannelStretches stretches_;
  Tensor weights_;
  std::vector<float> scale_;
};

// y = scale * (x − mean) / sqrt(var + epsilon) + bias   (ONNX BatchNormalization)
std::optional<ScaleShift> of_batch_norm(const Graph& graph, const Node& node, int64_t channels) {
  if (node.attributes.get_int("training_mode", 0) != 0 || node.inputs.size() < 5)
    return std::nullopt;
  std::vector<float> parts[4];
  for (size_t i = 0; i < 4; ++i) {
    const Tensor* constant = graph.constant(node.inputs[i + 1]);
    if (!constant) return std::nullopt;
    auto values = per_axis_values(*constant, 1, 0, channels);
    if (!values) return std::nullopt;
    parts[i] = std::move(*values);
  }
  const float epsilon = node.attributes.get_float("epsilon", 1e-5f);
  ScaleShift out{.scale = parts[0], .shift = parts[1]};
  for (size_t c = 0; c < out.scale.size(); ++c) {
    out.scale[c] /= std::sqrt(parts[3][c] + epsilon);
    out.shift[c] -= parts[2][c] * out.scale[c];
  }
  return out;
}

std::optional<ScaleShift> of_arithmetic(const Graph& graph, const Node& node, ValueId x,
                                        const ConvSite& site) {
  const auto operand = constant_operand(graph, node);
  if (!operand || operand->data != x) return std::nullopt;
  auto values = per_axis_values(*operand->constant, site.rank, 1, site.channels);
  if (!values) return std::nullopt;
  const bool constant_second = node.inputs[0] == x;
  const auto count = static_cast<size_t>(site.channels);
  if (node.op_type == "Mul") return ScaleShift{*values, std::vector<float>(count)};
  if (node.op_type == "Add") return ScaleShift{std::vector<float>(count, 1.0f), *values};
  if (!constant_second) return std::nullopt;
  if (node.op_type == "Div") {
    for (float& v : *values) v = 1.0f / v;
    return ScaleShift{*values, std::vector<float>(count)};
  }
  if (node.op_type == "Sub") {
    for (float& v : *values) v = -v;
    return ScaleShift{std::vector<float>(count, 1.0f), *values};
  }
  return std::nullopt;
}

std::optional<ScaleShift> scale_shift_of(const Graph& graph, const Node& node, ValueId x,
                                         const ConvSite& site) {
  if (!node.domain.empty()) return std::nullopt;
  if (node.op_type == "BatchNormalization" && node.inputs[0] == x)
    return of_batch_norm(graph, node, site.channels);
  return of_arithmetic(graph, node, x, site);
}

std::optional<ConvSite> conv_site(const Graph& graph, NodeId id) {
  const Node& node = graph.node(id);
  const bool is_transposed = is_op(node, "ConvTranspose");
  if (!is_op(node, "Conv") && !is_transposed) return std::nullopt;
  const Tensor* w = graph.constant(node.inputs[1]);
  const bool has_bias = node.inputs.size() > 2 && node.inputs[2];
  if (!w || w->dtype() != DType::Float32 || w->shape().rank() < 3) return std::nullopt;
  if (has_bias && !graph.constant(node.inputs[2])) return std::nullopt;
  const int64_t groups = node.attributes.get_int("group", 1);
  if (groups < 1 || w->elements() == 0 || w->shape()[0] % groups != 0) return std::nullopt;
  const int64_t channels = is_transposed ? w->shape()[1] * groups : w->shape()[0];
  return ConvSite{id, w->shape().rank(), channels, static_cast<size_t>(groups), is_transposed};
}

// `first`, and `second` after it.
void append(ScaleShift& first, const ScaleShift& second) {
  for (size_t c = 0; c < first.scale.size(); ++c) {
    first.scale[c] *= second.scale[c];
    first.shift[c] = first.shift[c] * second.scale[c] + second.shift[c];
  }
}

void apply(GraphEdit& edit, const ConvSite& site, const ScaleShift& change) {
  const Graph& graph = edit.graph();
  const Node& conv = graph.node(site.conv);
  const Tensor w = *graph.constant(conv.inputs[1]);
  const bool has_bias = conv.inputs.size() > 2 && conv.inputs[2];
  std::vector<float> bias = change.shift;
  for (size_t c = 0; has_bias && c < bias.size(); ++c)
    bias[c] += change.scale[c] * graph.constant(conv.inputs[2])->values<float>()[c];
  SharedBytes scaled(std::make_shared<ScaledWeights>(site, w, change.scale), w.size_bytes());
  const std::string w_name = graph.value(conv.inputs[1]).name;
  const std::string b_name = has_bias ? graph.value(conv.inputs[2]).name : w_name + "_bias";
  edit.set_input(site.conv, 1,
                 edit.new_constant(w_name, Tensor(DType::Float32, w.shape(), std::move(scaled))));
  edit.set_input(site.conv, 2,
                 edit.new_constant(b_name, Tensor::of<float>(Shape{site.channels}, bias)));
}
} // namespace

void fold_scale_shift(Graph& graph) {
  const Uses uses(graph);
  GraphEdit edit(graph);
  for (NodeId id : std::vector<NodeId>(graph.nodes())) {
    const auto site = conv_site(graph, id);
    if (!site) continue;
    std::optional<ScaleShift> total;
    ValueId y = graph.node(id).outputs[0];
    for (NodeId next = uses.only_reader(y); next; next = uses.only_reader(y)) {
      const auto change = scale_shift_of(graph, graph.node(next), y, *site);
      const ValueId out = graph.node(next).outputs[0];
      if (!change) break;
      if (total)
        append(*total, *change);
      else
        total = change;
      edit.remove_node(next);
      edit.produce(id, 0, out);
      y = out;
    }
    if (total) apply(edit, *site, *total);
  }
}

} // namespace octet
