#include "quant/assign.h"

#include <algorithm>
#include <span>
#include <unordered_map>

#include "passes/match.h"
#include "quant/spectra.h"

namespace octet {
namespace {
enum class Role : uint8_t {
  None,
  Product,  // operand 0 times constant weights
  Keeps,    // elements of operand 0, unchanged
  Joins,    // elements of all operands, unchanged
  Maps,     // a function of each element of operand 0
  Combines, // a function of two operands, or of one and a scalar
  Averages, // means of operand 0, or another function of it
};

struct RoleRow {
  std::string_view op_type;
  Role role;
};

// Between pairs these would compute real numbers: only operators on codes gain from them.
constexpr RoleRow kOperatorRoles[] = {
    {"AveragePool", Role::Averages},
    {"Softmax", Role::Averages},
    {"Where", Role::Combines},
};

constexpr RoleRow kRoles[] = {
    {"Conv", Role::Product},    {"MatMul", Role::Product},
    {"Gemm", Role::Product},    {"MaxPool", Role::Keeps},
    {"Reshape", Role::Keeps},   {"Flatten", Role::Keeps},
    {"Squeeze", Role::Keeps},   {"Unsqueeze", Role::Keeps},
    {"Transpose", Role::Keeps}, {"Slice", Role::Keeps},
    {"Resize", Role::Keeps},    {"Upsample", Role::Keeps},
    {"Concat", Role::Joins},    {"Relu", Role::Maps},
    {"Clip", Role::Maps},       {"LeakyRelu", Role::Maps},
    {"Sigmoid", Role::Maps},    {"HardSigmoid", Role::Maps},
    {"HardSwish", Role::Maps},  {"Swish", Role::Maps},
    {"Gelu", Role::Maps},       {"Tanh", Role::Maps},
    {"Add", Role::Combines},    {"Sub", Role::Combines},
    {"Mul", Role::Combines},    {"GlobalAveragePool", Role::Averages},
    {"Max", Role::Combines},    {"Min", Role::Combines},
};

// Hold weights, and have no form that reads integers of a fixed scale.
constexpr std::string_view kFloatOnly[] = {"LSTM", "GRU", "RNN", "ConvTranspose"};

bool interpolates(const Node& node) {
  return (node.op_type == "Resize" || node.op_type == "Upsample") &&
         node.attributes.get_string("mode", "nearest") != "nearest";
}

Role role_among(std::span<const RoleRow> rows, const Node& node) {
  for (const RoleRow& row : rows)
    if (row.op_type == node.op_type) return row.role;
  return Role::None;
}

// The inputs of a node that are not operands: a condition.
size_t first_operand(const Node& node) {
  return node.op_type == "Where" ? 1 : 0;
}

class Assigner {
public:
  Assigner(const GraphScope& scope, const QuantizeConfig& config)
      : scope_(scope), graph_(*scope.graph), config_(config), uses_(graph_) {
    if (config.spectra != SpectrumHandling::AsOthers)
      near_spectra_ = nodes_near_spectra(graph_, [&](ValueId id) { return scope.constant(id); });
  }

  Assignment run() {
    for (NodeId id : graph_.nodes()) {
      if (role_of(graph_.node(id)) == Role::Product)
        judge_product(id);
      else
        judge_other(id);
    }
    if (config_.activations.scheme == ActivationScheme::Log2) leave_carriers_real();
    while (drop_carriers()) {
    }
    keep_captured_real();
    for (NodeId id : out_.products) tap(graph_.node(id).inputs[0], out_.wide_products.contains(id));
    if (on_codes()) tap_convolutions();
    for (NodeId id : graph_.nodes())
      if (carriers_.contains(id)) tap_carrier(id);
    number_groups();
    return std::move(out_);
  }

private:
  bool on_codes() const { return config_.format == QuantFormat::Operator; }

  Role role_of(const Node& node) const {
    if (!node.domain.empty() || interpolates(node)) return Role::None;
    const Role role = role_among(kRoles, node);
    return role == Role::None && on_codes() ? role_among(kOperatorRoles, node) : role;
  }

  // --- products

  // Whether 16 bits do for a product near a spectrum, and it has an integer form with them.
  bool takes_16_bits(const Node& node, const NearSpectrum& near) const {
    if (config_.spectra != SpectrumHandling::SixteenBits || on_codes() ||
        config_.activations.scheme != ActivationScheme::Linear)
      return false;
    const Tensor* w = scope_.constant(node.input(1));
    return near.reads_signal && w && w->shape().rank() <= 4;
  }

  // Empty, or why the product stays in float.
  std::string objection(NodeId id) const {
    const Node& node = graph_.node(id);
    if (const std::string chosen = exclusion(node, config_); !chosen.empty()) return chosen;
    if (const auto found = near_spectra_.find(id);
        found != near_spectra_.end() && !takes_16_bits(node, found->second))
      return std::string(found->second.reason);
    const Tensor* w = scope_.constant(node.input(1));
    if (!is_float(w)) return "its weights are not a float32 constant";
    if (scope_.constant(node.inputs[0])) return "both operands are constant";
    if (node.op_type == "Conv") return w->shape().rank() < 3 ? "its weights have no window" : "";
    if (w->shape().rank() != 2) return "its weights are not a matrix";
    if (node.op_type == "MatMul") return "";
    if (node.attributes.get_int("transA", 0) != 0) return "its left operand is transposed";
    const bool scales =
        node.attributes.get_float("alpha", 1) != 1 || node.attributes.get_float("beta", 1) != 1;
    return scales ? "it scales its operands" : "";
  }

  void judge_product(NodeId id) {
    const Node& node = graph_.node(id);
    if (const std::string reason = objection(id); !reason.empty()) {
      out_.float_nodes.push_back({node.name, node.op_type, reason});
      out_.real_readers.insert(id);
      return;
    }
    out_.products.push_back(id);
    if (near_spectra_.contains(id)) {
      out_.wide_products.insert(id);
      return;
    }
    anchors_.insert(node.inputs[0]);
    add_result(id);
  }

  // --- carriers

  void judge_other(NodeId id) {
    const Node& node = graph_.node(id);
    if (std::find(std::begin(kFloatOnly), std::end(kFloatOnly), node.op_type) !=
        std::end(kFloatOnly))
      out_.float_nodes.push_back({node.name, node.op_type, "no form of it reads static scales"});
    if (role_of(node) == Role::None || tails_.contains(id) || !exclusion(node, config_).empty())
      return;
    if (data_inputs(node).empty()) return;
    carriers_.insert(id);
    add_result(id);
  }

  // The operands that have to be quantized; none when the node can't be a carrier.
  std::vector<ValueId> data_inputs(const Node& node) const {
    const Role role = role_of(node);
    if (role != Role::Joins && role != Role::Combines) return {node.inputs[0]};
    std::vector<ValueId> out;
    for (size_t i = first_operand(node); i < node.inputs.size(); ++i) {
      const ValueId in = node.inputs[i];
      const Tensor* constant = scope_.constant(in);
      if (constant && (role == Role::Joins || !is_float(constant) || constant->elements() != 1))
        return {};
      if (!constant) out.push_back(in);
    }
    const bool needs_number = node.op_type == "Max" || node.op_type == "Min";
    return needs_number && out.size() != 1 ? std::vector<ValueId>() : out;
  }

  // A function of each element of one operand: with that, a single reader of it forms one function.
  bool is_map(const Node& node) const {
    if (!exclusion(node, config_).empty()) return false;
    const Role role = role_of(node);
    if (role == Role::Combines) return data_inputs(node).size() == 1;
    return role == Role::Maps &&
           std::all_of(node.inputs.begin() + 1, node.inputs.end(),
                       [&](ValueId in) { return !in || scope_.constant(in); });
  }

  // Whether what `next` computes from the node's result, reading it alone, is part of it.
  bool takes_tail(const Node& node, const Node& next) const {
    if (!is_map(next)) return false;
    if (is_op(next, "Relu") || is_op(next, "Clip")) return true;
    const bool is_matrix_product = role_of(node) == Role::Product && node.op_type != "Conv";
    return !on_codes() && (is_matrix_product || is_map(node));
  }

  // The value to quantize in the place of a node's own result.
  void add_result(NodeId id) {
    ValueId value = graph_.node(id).outputs[0];
    for (const Node* node = &graph_.node(id);;) {
      const NodeId next = uses_.only_reader(value);
      if (!next || !takes_tail(*node, graph_.node(next))) break;
      tails_.insert(next);
      node = &graph_.node(next);
      value = node->outputs[0];
    }
    results_[id] = value;
    makers_[value] = id;
  }

  bool is_integer(ValueId id) const {
    if (anchors_.contains(id)) return true;
    const auto maker = makers_.find(id);
    return maker != makers_.end() && (carriers_.contains(maker->second) ||
                                      role_of(graph_.node(maker->second)) == Role::Product);
  }

  bool feeds_integers(ValueId id) const {
    if (anchors_.contains(id)) return true;
    const auto readers = uses_.of(id);
    return std::any_of(readers.begin(), readers.end(),
                       [&](NodeId reader) { return carriers_.contains(reader); });
  }

  bool drop_carriers() {
    return std::erase_if(carriers_, [&](NodeId id) {
             const auto inputs = data_inputs(graph_.node(id));
             return !feeds_integers(results_.at(id)) ||
                    !std::all_of(inputs.begin(), inputs.end(),
                                 [&](ValueId in) { return is_integer(in); });
           }) != 0;
  }

  // Only products gain from powers of two; all others would pass their error on.
  void leave_carriers_real() {
    carriers_.clear();
    for (NodeId id : graph_.nodes())
      if (role_of(graph_.node(id)) != Role::Product) out_.real_readers.insert(id);
  }

  // onnxruntime 1.30 moves pairs behind what moves elements, and where a subgraph captures the
  // result the process ends (QDQPropagationTransformer takes captures for inputs).
  void keep_captured_real() {
    std::unordered_set<NodeId> found;
    const std::vector<NodeId> nodes = graph_.nodes();
    for (size_t i = nodes.size(); i-- > 0;) {
      const Node& node = graph_.node(nodes[i]);
      if (role_of(node) != Role::Keeps || carriers_.contains(nodes[i])) continue;
      const auto readers = uses_.of(node.outputs[0]);
      if (std::any_of(readers.begin(), readers.end(), [&](NodeId reader) {
            return found.contains(reader) || captures(reader, node.outputs[0]);
          }))
        found.insert(nodes[i]);
    }
    out_.real_readers.insert(found.begin(), found.end());
  }

  bool captures(NodeId id, ValueId value) const {
    const std::vector<ValueId>& captured = graph_.node(id).captures;
    return std::find(captured.begin(), captured.end(), value) != captured.end();
  }

  // --- taps and groups

  void tap(ValueId id, bool is_wide = false) {
    if ((is_wide ? wide_tapped_ : tapped_).insert(id).second)
      out_.taps.push_back({id, id.index, is_wide});
  }

  // QLinearConv has no form that yields real numbers.
  void tap_convolutions() {
    for (NodeId id : out_.products) {
      if (graph_.node(id).op_type != "Conv") continue;
      const ValueId result = results_.at(id);
      const auto readers = uses_.of(result);
      if (std::any_of(readers.begin(), readers.end(),
                      [&](NodeId reader) { return !out_.real_readers.contains(reader); }))
        tap(result);
    }
  }

  size_t group_of(ValueId id) const {
    size_t group = id.index;
    for (auto found = parent_.find(group); found != parent_.end(); found = parent_.find(group))
      group = found->second;
    return group;
  }

  void share_group(ValueId a, ValueId b) {
    const size_t from = group_of(a), to = group_of(b);
    if (from != to) parent_[from] = to;
  }

  void tap_carrier(NodeId id) {
    const Role role = role_of(graph_.node(id));
    const ValueId result = results_.at(id);
    for (ValueId in : data_inputs(graph_.node(id))) {
      tap(in);
      if (role == Role::Keeps || role == Role::Joins) share_group(in, result);
    }
    tap(result);
  }

  void number_groups() {
    std::unordered_map<size_t, size_t> numbers;
    for (Assignment::Tap& tap : out_.taps) {
      const size_t group = tap.is_wide ? SIZE_MAX - tap.value.index : group_of(tap.value);
      tap.group = numbers.emplace(group, numbers.size()).first->second;
    }
  }

  const GraphScope& scope_;
  const Graph& graph_;
  const QuantizeConfig& config_;
  const Uses uses_;
  std::unordered_map<NodeId, NearSpectrum> near_spectra_;
  Assignment out_;
  std::unordered_set<ValueId> anchors_; // what products read that are not wide
  std::unordered_set<ValueId> tapped_, wide_tapped_;
  std::unordered_set<NodeId> carriers_, tails_;
  std::unordered_map<NodeId, ValueId> results_; // of products and carriers, behind their tails
  std::unordered_map<ValueId, NodeId> makers_;  // the other way round
  std::unordered_map<size_t, size_t> parent_;   // of groups that became one
};
} // namespace

bool is_static_op(std::string_view op_type) {
  const auto is_named = [&](const RoleRow& row) { return row.op_type == op_type; };
  return std::any_of(std::begin(kRoles), std::end(kRoles), is_named) ||
         std::any_of(std::begin(kOperatorRoles), std::end(kOperatorRoles), is_named);
}

Assignment assign(const GraphScope& scope, const QuantizeConfig& config) {
  return Assigner(scope, config).run();
}

} // namespace octet
