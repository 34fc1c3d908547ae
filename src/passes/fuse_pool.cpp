#include "passes/fuse_pool.h"

#include <algorithm>

#include "graph/edit.h"
#include "ops/registry.h"
#include "passes/match.h"

namespace octet {
namespace {
using Ints = std::vector<int64_t>;

bool halves_both_axes(const Node& pool) {
  const Attributes& attributes = pool.attributes;
  const auto are = [&](const char* name, int64_t value) {
    const Ints given = attributes.get_ints(name);
    return std::all_of(given.begin(), given.end(), [=](int64_t v) { return v == value; });
  };
  return is_op(pool, "MaxPool", kLoweredDomain) && pool.outputs.size() == 1 &&
         attributes.get_ints("kernel_shape") == Ints{2, 2} &&
         attributes.get_ints("strides") == Ints{2, 2} && are("pads", 0) && are("dilations", 1) &&
         attributes.get_int("ceil_mode", 0) == 0 &&
         !attributes.get_string("auto_pad", "NOTSET").starts_with("SAME");
}

bool has_rising_activation(const Node& conv) {
  constexpr std::string_view kRising[] = {"", "Relu", "Clip", "LeakyRelu"};
  const std::string name = conv.attributes.get_string("activation", "");
  return std::find(std::begin(kRising), std::end(kRising), name) != std::end(kRising) &&
         !(name == "LeakyRelu" && conv.op_type == "ConvIntegerToFloat");
}

bool has_positive_scales(const Graph& graph, const Node& conv) {
  const Tensor* scales = graph.constant(conv.inputs[3]);
  if (!conv.inputs[3]) return true;
  if (!scales || scales->dtype() != DType::Float32) return false;
  const auto values = scales->values<float>();
  return std::all_of(values.begin(), values.end(), [](float s) { return s > 0; });
}

// Whether the packed weights have no zero point left.
bool has_centred_weights(const Graph& graph, const Node& conv) {
  const Tensor* zero = graph.constant(conv.inputs[5]);
  const bool is_unsigned = graph.constant(conv.inputs[1])->dtype() == DType::UInt8;
  if (!conv.inputs[5]) return !is_unsigned;
  return zero && std::all_of(zero->bytes(), zero->bytes() + zero->size_bytes(),
                             [=](uint8_t z) { return z == (is_unsigned ? 128 : 0); });
}

bool can_pool(const Graph& graph, const Node& conv) {
  if (!is_op(conv, "ConvIntegerToCodes", kLoweredDomain) &&
      !is_op(conv, "ConvIntegerToFloat", kLoweredDomain))
    return false;
  const Tensor* weights = graph.constant(conv.inputs[1]);
  return weights && weights->shape().rank() == 4 && weights->shape()[1] % 2 == 1 &&
         conv.attributes.get_int("group", 1) == 1 && has_rising_activation(conv) &&
         has_positive_scales(graph, conv) && has_centred_weights(graph, conv);
}
} // namespace

void fuse_pool(Graph& graph) {
  const Uses uses(graph);
  GraphEdit edit(graph);
  for (NodeId id : std::vector<NodeId>(graph.nodes())) {
    const Node pool = graph.node(id);
    if (!halves_both_axes(pool)) continue;
    const NodeId conv = graph.value(pool.inputs[0]).producer;
    if (!conv || uses.only_reader(pool.inputs[0]) != id || !can_pool(graph, graph.node(conv)))
      continue;
    edit.remove_node(id);
    graph.node(conv).attributes.set("pool", int64_t{1});
    edit.produce(conv, 0, pool.outputs[0]);
  }
}

} // namespace octet
