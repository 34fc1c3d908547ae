#include "passes/fuse_integer_scale.h"

#include <algorithm>
#include <optional>

#include "graph/edit.h"
#include "ops/integer_codes.h"
#include "ops/registry.h"
#include "passes/match.h"

namespace octet {
namespace {
// The chain of nodes behind an integer product, and what it says.
struct ScaledProduct {
  NodeId cast = {}, mul = {}, add = {}; // add: invalid without a bias
  ValueId a_scale = {};
  std::vector<float> b_scale = {}, bias = {}; // empty: none
};

class Fuser {
public:
  Fuser(Graph& graph, const GraphFacts& facts)
      : graph_(graph), facts_(facts), uses_(graph), edit_(graph) {}

  void run() {
    for (NodeId id : std::vector<NodeId>(graph_.nodes()))
      if (const auto match = scaled_product(id)) replace(id, *match);
    for (NodeId id : std::vector<NodeId>(graph_.nodes()))
      if (!edit_.removed(id)) narrow_dynamic_quantize(id);
    edit_.remove_dead();
  }

private:
  NodeId reader(NodeId id, std::string_view op_type) const {
    const NodeId next = uses_.only_reader(graph_.node(id).outputs[0]);
    return next && is_op(graph_.node(next), op_type) ? next : NodeId();
  }

  // Rank of the product and its channel axis.
  std::pair<size_t, size_t> channel_axis(const Node& product) const {
    const size_t rank = facts_[product.inputs[0]].shape->rank();
    return {rank, product.op_type == "ConvInteger" ? 1 : rank - 1};
  }

  std::optional<std::vector<float>> per_channel(const Node& product, ValueId id) const {
    const Tensor* constant = graph_.constant(id);
    const Tensor* b = graph_.constant(product.inputs[1]);
    if (!constant || !b) return std::nullopt;
    if (constant->dtype() == DType::Float32 && constant->elements() == 1)
      return std::vector<float>{constant->values<float>()[0]};
    const auto [rank, axis] = channel_axis(product);
    const int64_t channels = product.op_type == "ConvInteger" ? b->shape()[0] : b->shape().back();
    return per_axis_values(*constant, rank, axis, channels);
  }

  bool is_scalar(ValueId id) const {
    return facts_.covers(id) && facts_[id].shape && facts_[id].dtype == DType::Float32 &&
           facts_[id].shape->elements() == 1;
  }

  std::optional<ScaledProduct> scaled_product(NodeId id) const {
    const Node& product = graph_.node(id);
    if (!is_op(product, "ConvInteger") && !is_op(product, "MatMulInteger")) return std::nullopt;
    if (!facts_[product.inputs[0]].shape || facts_[product.inputs[0]].shape->rank() < 2)
      return std::nullopt;
    ScaledProduct match{.cast = reader(id, "Cast")};
    if (!match.cast || graph_.node(match.cast).attributes.get_int("to", 0) != 1)
      return std::nullopt;
    match.mul = reader(match.cast, "Mul");
    if (!match.mul || !find_scales(product, match)) return std::nullopt;
    match.add = reader(match.mul, "Add");
    if (!match.add) return match;
    const auto bias = per_channel(
        product, other_input(graph_.node(match.add), graph_.node(match.mul).outputs[0]));
    if (bias)
      match.bias = *bias;
    else
      match.add = NodeId();
    return match;
  }

  // a_scale * b_scale, in either order, or a single scale.
  bool find_scales(const Node& product, ScaledProduct& match) const {
    const ValueId scales = other_input(graph_.node(match.mul), graph_.node(match.cast).outputs[0]);
    if (const Node* mul = producer(graph_, scales, "Mul")) {
      for (size_t i = 0; i < 2; ++i) {
        const auto b_scale = per_channel(product, mul->inputs[1 - i]);
        if (!b_scale || !is_scalar(mul->inputs[i])) continue;
        match.a_scale = mul->inputs[i];
        match.b_scale = *b_scale;
        return true;
      }
    }
    match.a_scale = scales;
    return is_scalar(scales);
  }

  void replace(NodeId id, const ScaledProduct& match) {
    const Node product = graph_.node(id);
    const std::string& name = graph_.value(product.inputs[1]).name;
    const auto row = [&](const std::vector<float>& values, const char* suffix) {
      const Shape shape{static_cast<int64_t>(values.size())};
      return values.empty() ? ValueId()
                            : edit_.new_constant(name + suffix, Tensor::of<float>(shape, values));
    };
    Node fused{.name = product.name,
               .op_type = product.op_type + "ToFloat",
               .domain = std::string(kLoweredDomain),
               .inputs = {product.input(0), product.input(1), match.a_scale,
                          row(match.b_scale, "_scale"), product.input(2), product.input(3),
                          row(match.bias, "_bias")},
               .attributes = product.attributes};
    const NodeId last = match.add ? match.add : match.mul;
    fused_.push_back(edit_.replace_node(last, std::move(fused)));
    for (NodeId gone : {id, match.cast, match.mul}) edit_.remove_node(gone);
  }

  // The fused products that read a quantized value and its zero point, when nobody else reads
  // either.
  std::optional<std::vector<NodeId>> products_of(const Node& quantize) const {
    if (quantize.outputs.size() != 3 || !quantize.outputs[1] || !quantize.outputs[2])
      return std::nullopt;
    std::vector<NodeId> out;
    for (NodeId id : fused_)
      if (graph_.node(id).inputs[0] == quantize.outputs[0]) out.push_back(id);
    const bool all_scaled = std::all_of(out.begin(), out.end(), [&](NodeId id) {
      return graph_.node(id).inputs[4] == quantize.outputs[2];
    });
    const auto reads = static_cast<uint32_t>(out.size());
    if (!all_scaled || reads == 0 || graph_.value(quantize.outputs[0]).uses != reads ||
        graph_.value(quantize.outputs[2]).uses != reads)
      return std::nullopt;
    return out;
  }

  bool all_read_codes(const std::vector<NodeId>& products) const {
    return std::all_of(products.begin(), products.end(), [&](NodeId id) {
      const Node& product = graph_.node(id);
      const Tensor* weights = graph_.constant(product.inputs[1]);
      return weights && reads_codes(product, *weights);
    });
  }

  void narrow_dynamic_quantize(NodeId id) {
    const Node quantize = graph_.node(id);
    if (!is_op(quantize, "DynamicQuantizeLinear")) return;
    const auto products = products_of(quantize);
    if (!products || all_read_codes(*products)) return;
    for (NodeId product : *products) edit_.set_input(product, 4, ValueId());
    Node lowered{.name = quantize.name,
                 .op_type = "DynamicQuantize",
                 .domain = std::string(kLoweredDomain),
                 .inputs = quantize.inputs};
    const NodeId added = edit_.insert_before(id, std::move(lowered));
    edit_.remove_node(id);
    edit_.produce(added, 0, quantize.outputs[0]);
    edit_.produce(added, 1, quantize.outputs[1]);
  }

  Graph& graph_;
  const GraphFacts& facts_;
  Uses uses_;
  GraphEdit edit_;
  std::vector<NodeId> fused_;
};
} // namespace

void fuse_integer_scale(Graph& graph, const GraphFacts& facts) {
  Fuser(graph, facts).run();
}

} // namespace octet
