#include "passes/unfold_qlinear.h"

#include <optional>
#include <unordered_map>

#include "graph/edit.h"
#include "passes/code_forms.h"
#include "passes/match.h"

namespace octet {
namespace {
// The two inputs that say what codes stand for.
struct ScaleInputs {
  ValueId scale, zero_point;
};

// Of QLinearConv and QLinearMatMul: codes, scale and zero point of either operand, scale and zero
// point of the result, bias.
enum QLinearInput : size_t { kX = 0, kWeights = 3, kResult = 6, kBias = 8 };

class Unfolder {
public:
  explicit Unfolder(Graph& graph) : graph_(graph), edit_(graph) {}

  void run() {
    for (NodeId id : std::vector<NodeId>(graph_.nodes())) visit(id);
    edit_.remove_dead();
  }

private:
  void visit(NodeId id) {
    const Node& node = graph_.node(id);
    if (is_op(node, "QuantizeLinear"))
      note(node.outputs[0], params_at(node, 1));
    else if (is_op(node, "QLinearConv"))
      unfold(id, "Conv");
    else if (is_op(node, "QLinearMatMul"))
      unfold(id, "MatMul");
    else if (moves_elements(node) || is_op(node, "Clip"))
      move(id);
  }

  // --- new nodes

  ValueId real(NodeId before, ValueId codes, ScaleInputs params, int64_t axis) {
    Node node{.name = graph_.value(codes).name,
              .op_type = "DequantizeLinear",
              .inputs = {codes, params.scale}};
    if (params.zero_point) node.inputs.push_back(params.zero_point);
    node.attributes.set("axis", axis);
    const ValueId out = edit_.new_value(node.name);
    edit_.produce(edit_.insert_before(before, std::move(node)), 0, out);
    return out;
  }

  // Puts `real`, whose inputs are real numbers, and the rounding of its results in the place of a
  // node that yields codes.
  void replace(NodeId id, Node real, ScaleInputs params) {
    const std::vector<ValueId> outputs = graph_.node(id).outputs;
    real.outputs.clear();
    const NodeId made = edit_.insert_before(id, std::move(real));
    edit_.remove_node(id);
    for (size_t i = 0; i < outputs.size(); ++i) {
      if (!outputs[i]) continue;
      const std::string& name = graph_.value(outputs[i]).name;
      const ValueId value = edit_.new_value(name);
      edit_.produce(made, i, value);
      Node quantize{.name = name + "_quantize", .op_type = "QuantizeLinear"};
      quantize.inputs = {value, params.scale, params.zero_point};
      edit_.produce(edit_.insert_before(id, std::move(quantize)), 0, outputs[i]);
      note(outputs[i], params);
    }
  }

  void note(ValueId codes, ScaleInputs params) {
    const Tensor* zero = graph_.constant(params.zero_point);
    if (scalar_constant(graph_, params.scale) && zero && zero->elements() == 1)
      params_[codes] = params;
  }

  // --- products

  static ScaleInputs params_at(const Node& node, size_t scale) {
    return {node.input(scale), node.input(scale + 1)};
  }

  // Whether fold_qdq will multiply the integers.
  bool becomes_integer_product(const Node& node) const {
    for (size_t i = kX + 1; i < node.inputs.size(); ++i)
      if (node.inputs[i] && !graph_.constant(node.inputs[i])) return false;
    if (!node.input(kX + 2) || !node.input(kResult + 1)) return false;
    const size_t rank = graph_.constant(node.inputs[kWeights])->shape().rank();
    return scalar_constant(graph_, node.inputs[kX + 1]) && fits_bias(node) &&
           (node.op_type == "QLinearConv" ? rank == 3 || rank == 4 : rank == 2);
  }

  bool fits_bias(const Node& node) const {
    const Tensor& scales = *graph_.constant(node.inputs[kWeights + 1]);
    if (scales.dtype() != DType::Float32) return false;
    return !node.input(kBias) || scales.elements() == 1 ||
           graph_.constant(node.inputs[kBias])->shape() == scales.shape();
  }

  // float(c) · (x_scale · w_scale)
  ValueId real_bias(NodeId id, const Node& node) {
    const float x_scale = *scalar_constant(graph_, node.inputs[kX + 1]);
    const Tensor& w_scales = *graph_.constant(node.inputs[kWeights + 1]);
    std::vector<float> scales;
    for (const float scale : w_scales.values<float>()) scales.push_back(x_scale * scale);
    const ValueId scale = edit_.new_constant(graph_.value(node.inputs[kBias]).name,
                                             Tensor::of<float>(w_scales.shape(), scales));
    return real(id, node.inputs[kBias], {scale, ValueId()}, 0);
  }

  void unfold(NodeId id, std::string_view op_type) {
    const Node node = graph_.node(id);
    if (!becomes_integer_product(node)) return;
    const int64_t channel_axis = op_type == "Conv" ? 0 : -1;
    Node made{
        .name = node.name,
        .op_type = std::string(op_type),
        .inputs = {real(id, node.inputs[kX], params_at(node, kX + 1), 0),
                   real(id, node.inputs[kWeights], params_at(node, kWeights + 1), channel_axis)},
        .attributes = node.attributes};
    if (node.input(kBias)) made.inputs.push_back(real_bias(id, node));
    replace(id, std::move(made), params_at(node, kResult));
  }

  // --- what moves or clips codes

  void move(NodeId id) {
    const Node node = graph_.node(id);
    std::optional<ScaleInputs> params;
    const size_t count = moved_inputs(node);
    for (size_t i = 0; i < count; ++i) {
      const auto found = params_.find(node.inputs[i]);
      if (found == params_.end() || (params && !same(*params, found->second))) return;
      params = found->second;
    }
    if (!params) return;
    Node made = node;
    if (node.op_type == "Clip" && !clip_real(made, *params)) return;
    for (size_t i = 0; i < count; ++i) made.inputs[i] = real(id, node.inputs[i], *params, 0);
    replace(id, std::move(made), *params);
  }

  std::optional<CodeParams> code_params_of(ScaleInputs params) const {
    return code_params(graph_, {.inputs = {ValueId(), params.scale, params.zero_point}},
                       DType::Undefined);
  }

  bool same(ScaleInputs a, ScaleInputs b) const {
    const auto first = code_params_of(a), second = code_params_of(b);
    return first && second && first->scale == second->scale && first->same_bytes(*second);
  }

  // Bounds of codes become those of real numbers.
  bool clip_real(Node& clip, ScaleInputs inputs) {
    const auto params = code_params_of(inputs);
    if (!params) return false;
    for (size_t i = 1; i < clip.inputs.size(); ++i) {
      if (!clip.inputs[i]) continue;
      const Tensor* bound = graph_.constant(clip.inputs[i]);
      if (!bound || bound->dtype() != params->type || bound->elements() != 1) return false;
      const auto code = static_cast<float>(centred_codes(*bound, *params).values<int16_t>()[0]);
      clip.inputs[i] = edit_.new_constant(graph_.value(clip.inputs[i]).name,
                                          Tensor::scalar<float>(code * params->scale));
    }
    return true;
  }

  Graph& graph_;
  GraphEdit edit_;
  std::unordered_map<ValueId, ScaleInputs> params_; // of codes, where these are one constant each
};
} // namespace

void unfold_qlinear(Graph& graph) {
  Unfolder(graph).run();
}

} // namespace octet
