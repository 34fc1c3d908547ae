#include "passes/choose_layout.h"

#include <algorithm>
#include <numeric>
#include <unordered_map>
#include <unordered_set>

#include "graph/edit.h"
#include "ops/registry.h"
#include "passes/match.h"

namespace octet {
namespace {
constexpr std::string_view kSpatial[] = {"Conv",
                                         "ConvInteger",
                                         "QLinearConv",
                                         "ConvTranspose",
                                         "ConvIntegerToFloat",
                                         "ConvIntegerToCodes",
                                         "MaxPool",
                                         "AveragePool",
                                         "GlobalAveragePool",
                                         "GlobalMaxPool",
                                         "GlobalAveragePoolCodes",
                                         "Resize",
                                         "Upsample"};

bool is_spatial(const Node& node) {
  return (node.domain.empty() || node.domain == kLoweredDomain) &&
         std::find(std::begin(kSpatial), std::end(kSpatial), node.op_type) != std::end(kSpatial);
}

// What the kernels of integer convolutions want known.
bool knows_operands(const Graph& graph, const Node& node) {
  const auto is_known = [&](size_t input) {
    return !node.input(input) || graph.constant(node.input(input));
  };
  if (node.op_type == "ConvInteger") return is_known(1) && is_known(3);
  if (node.op_type != "QLinearConv") return true;
  constexpr size_t kInputs[] = {1, 3, 4, 5, 6, 7, 8};
  return std::all_of(std::begin(kInputs), std::end(kInputs), is_known);
}

// Of a MaxPool: they count elements in ONNX's layout.
bool has_indices(const Node& node) {
  return node.outputs.size() > 1 && node.outputs[1];
}

// Axis of channels-first dim `axis` in the channels-last form.
size_t to_last(size_t axis, size_t rank) {
  return axis == 0 ? 0 : axis == 1 ? rank - 1 : axis - 1;
}

// Transpose's perm attribute: output dim i is input dim perm[i].
std::vector<int64_t> perm_to_last(size_t rank) {
  std::vector<int64_t> perm(rank);
  for (size_t i = 0; i < rank; ++i) perm[to_last(i, rank)] = static_cast<int64_t>(i);
  return perm;
}

std::vector<int64_t> perm_to_first(size_t rank) {
  std::vector<int64_t> perm(rank);
  for (size_t i = 0; i < rank; ++i) perm[i] = static_cast<int64_t>(to_last(i, rank));
  return perm;
}

class LayoutChooser {
public:
  LayoutChooser(Graph& graph, const GraphFacts& facts)
      : graph_(graph), facts_(facts), edit_(graph) {}

  void run() {
    for (NodeId id : std::vector<NodeId>(graph_.nodes())) visit(id);
    for (ValueId id : std::vector<ValueId>(graph_.outputs())) require_first(id, NodeId());
  }

private:
  void visit(NodeId id) {
    const Node& node = graph_.node(id);
    if (lay_out_spatial(id) || lay_out_elementwise(id) || lay_out_concat(id) ||
        lay_out_reduction(id) || lay_out_transpose(id) || lay_out_comparison(id))
      return;
    const std::vector<ValueId> inputs = node.inputs, captures = node.captures;
    for (ValueId in : inputs) require_first(in, id);
    for (ValueId in : captures) require_first(in, id);
  }

  // --- the two forms of a value

  size_t rank_of(ValueId id) const {
    return facts_.covers(id) && facts_[id].shape ? facts_[id].shape->rank() : 0;
  }
  bool is_last(ValueId id) const { return id && last_.contains(id); }

  NodeId insert_transpose(NodeId before, ValueId from, const std::vector<int64_t>& perm) {
    Node node{
        .name = graph_.value(from).name + "_layout", .op_type = "Transpose", .inputs = {from}};
    node.attributes.set("perm", perm);
    return before ? edit_.insert_before(before, std::move(node)) : edit_.append(std::move(node));
  }

  // The channels-last form of a value, made on demand.
  ValueId as_last(ValueId id, size_t rank, NodeId before) {
    if (const auto found = last_.find(id); found != last_.end()) return found->second;
    ValueId made;
    if (const Tensor* constant = graph_.constant(id)) {
      made = transposed_constant(*constant, graph_.value(id).name, rank);
    } else {
      made = edit_.new_value(graph_.value(id).name);
      edit_.produce(insert_transpose(before, id, perm_to_last(rank)), 0, made);
    }
    last_[id] = made;
    first_.insert(id);
    return made;
  }

  ValueId transposed_constant(const Tensor& constant, const std::string& name, size_t rank) {
    std::vector<int64_t> dims(rank, 1);
    std::copy(constant.shape().begin(), constant.shape().end(),
              dims.begin() + static_cast<ptrdiff_t>(rank - constant.shape().rank()));
    const Tensor full = constant.reshaped(Shape(dims));
    return edit_.new_constant(name, transposed(full, perm_to_last(rank), graph_.model));
  }

  // Makes sure that a value that so far exists channels-last only is there in the model's layout
  // too.
  void require_first(ValueId id, NodeId before) {
    if (!is_last(id) || first_.contains(id)) return;
    const ValueId last = last_[id];
    edit_.produce(insert_transpose(before, last, perm_to_first(rank_by_last_[id])), 0, id);
    first_.insert(id);
  }

  // Makes output `index` of the node channels-last: `id` is now made, if at all, by a transpose.
  void produce_last(NodeId node, size_t index, size_t rank) {
    const ValueId id = graph_.node(node).outputs[index];
    if (!id) return;
    const ValueId made = edit_.new_value(graph_.value(id).name);
    edit_.produce(node, index, made);
    last_[id] = made;
    rank_by_last_[id] = rank;
  }

  // --- operators

  bool lay_out_spatial(NodeId id) {
    Node& node = graph_.node(id);
    if (!is_spatial(node) || has_indices(node) || !knows_operands(graph_, node)) return false;
    const size_t rank = spatial_rank(node);
    if (rank != 3 && rank != 4) return false;
    edit_.set_input(id, 0, as_last(graph_.node(id).inputs[0], rank, id));
    const auto inputs = graph_.node(id).inputs;
    for (size_t i = 1; i < inputs.size(); ++i) require_first(inputs[i], id);
    graph_.node(id).domain = kLoweredDomain;
    produce_last(id, 0, rank);
    return true;
  }

  // Of a value whose shape only a run can tell, the weights still know the rank.
  size_t spatial_rank(const Node& node) const {
    if (const size_t rank = rank_of(node.inputs[0])) return rank;
    if (node.op_type.find("Conv") == std::string::npos) return 0;
    const size_t weight_input = node.op_type == "QLinearConv" ? 3 : 1;
    const Tensor* w =
        node.inputs.size() > weight_input ? graph_.constant(node.inputs[weight_input]) : nullptr;
    return w ? w->shape().rank() : 0;
  }

  // Exists channels-last and in no other form yet.
  bool only_last(ValueId id) const { return is_last(id) && !first_.contains(id); }

  bool is_known(ValueId id) const { return facts_.covers(id) && facts_[id].shape.has_value(); }
  bool is_scalar(ValueId id) const { return is_known(id) && facts_[id].shape->elements() == 1; }

  // The common rank of a node's operands when at least one is channels-last and none stands in the
  // way.
  size_t shared_rank(const Node& node) const {
    size_t rank = 0;
    for (ValueId in : node.inputs)
      if (only_last(in)) rank = std::max(rank, rank_by_last_.at(in));
    for (ValueId in : node.inputs) {
      if (!in || rank == 0 || is_last(in) || rank_of(in) == rank) continue;
      const bool broadcasts = is_known(in) && rank_of(in) <= rank;
      if (!broadcasts || (!graph_.constant(in) && !is_scalar(in))) return 0;
    }
    return rank;
  }

  bool lay_out_elementwise(NodeId id) {
    const Node& node = graph_.node(id);
    const OpDef* op = find_op(node.domain, node.op_type);
    if (!op || op->layout != LayoutRule::Elementwise || quantizes_per_axis(node)) return false;
    const size_t rank = shared_rank(node);
    if (rank == 0) return false;
    for (size_t i = 0; i < graph_.node(id).inputs.size(); ++i) {
      const ValueId in = graph_.node(id).inputs[i];
      if (in && (!is_scalar(in) || only_last(in))) edit_.set_input(id, i, as_last(in, rank, id));
    }
    for (size_t i = 0; i < graph_.node(id).outputs.size(); ++i)
      if (const ValueId out = graph_.node(id).outputs[i]; out && rank_of(out) == rank)
        produce_last(id, i, rank);
    return true;
  }

  bool quantizes_per_axis(const Node& node) const {
    return (is_op(node, "QuantizeLinear") || is_op(node, "DequantizeLinear")) &&
           !is_scalar(node.inputs[1]);
  }

  bool lay_out_concat(NodeId id) {
    if (!is_op(graph_.node(id), "Concat")) return false;
    const size_t rank = shared_rank(graph_.node(id));
    if (rank == 0) return false;
    const std::vector<ValueId> inputs = graph_.node(id).inputs;
    for (size_t i = 0; i < inputs.size(); ++i) edit_.set_input(id, i, as_last(inputs[i], rank, id));
    const size_t axis =
        normalize_axis(graph_.node(id).attributes.get_int("axis", 0), rank, "Concat");
    graph_.node(id).attributes.set("axis", static_cast<int64_t>(to_last(axis, rank)));
    produce_last(id, 0, rank);
    return true;
  }

  bool lay_out_reduction(NodeId id) {
    const Node& node = graph_.node(id);
    if (!node.domain.empty() || !node.op_type.starts_with("Reduce") || !only_last(node.inputs[0]))
      return false;
    const size_t rank = rank_by_last_.at(node.inputs[0]);
    const bool from_input = node.inputs.size() > 1 && node.inputs[1];
    std::vector<int64_t> axes = node.attributes.get_ints("axes");
    if (from_input && graph_.constant(node.inputs[1]))
      axes = int64_values(*graph_.constant(node.inputs[1]), "axes");
    if (axes.empty() || node.attributes.get_int("keepdims", 1) != 1) return false;
    for (int64_t& axis : axes)
      axis = static_cast<int64_t>(to_last(normalize_axis(axis, rank, "axes"), rank));
    edit_.set_input(id, 0, last_[node.inputs[0]]);
    if (from_input)
      edit_.set_input(id, 1, edit_.new_constant("axes", Tensor::of_dims(axes)));
    else
      graph_.node(id).attributes.set("axes", axes);
    produce_last(id, 0, rank);
    return true;
  }

  // A transpose of a channels-last value reads that form directly, under the combined permutation.
  bool lay_out_transpose(NodeId id) {
    const Node& node = graph_.node(id);
    if (!is_op(node, "Transpose") || !only_last(node.inputs[0])) return false;
    const size_t rank = rank_by_last_.at(node.inputs[0]);
    std::vector<int64_t> perm = node.attributes.get_ints("perm");
    if (perm.empty())
      for (size_t i = 0; i < rank; ++i) perm.push_back(static_cast<int64_t>(rank - 1 - i));
    if (perm.size() != rank) return false;
    for (int64_t& axis : perm)
      axis = static_cast<int64_t>(to_last(normalize_axis(axis, rank, "Transpose"), rank));
    const ValueId in = last_[node.inputs[0]];
    edit_.set_input(id, 0, in);
    graph_.node(id).attributes.set("perm", perm);
    return true;
  }

  // Two values are compared in the form that one of them is in.
  bool lay_out_comparison(NodeId id) {
    if (!is_op(graph_.node(id), "Compare", kLoweredDomain)) return false;
    const size_t rank = shared_rank(graph_.node(id));
    if (rank == 0) return false;
    for (size_t i = 0; i < 2; ++i)
      edit_.set_input(id, i, as_last(graph_.node(id).inputs[i], rank, id));
    graph_.node(id).attributes.set("channels_last", int64_t{1});
    return true;
  }

  Graph& graph_;
  const GraphFacts& facts_;
  GraphEdit edit_;
  std::unordered_map<ValueId, ValueId> last_;        // value → its channels-last form
  std::unordered_map<ValueId, size_t> rank_by_last_; // of values produced channels-last
  std::unordered_set<ValueId> first_; // values that (also) exist as the model lays them out
};
} // namespace

void choose_layout(Graph& graph, const GraphFacts& facts) {
  LayoutChooser(graph, facts).run();
}

} // namespace octet
