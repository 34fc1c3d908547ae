#include "passes/raise_opset.h"

#include <algorithm>

#include "base/error.h"
#include "graph/edit.h"

namespace octet {
namespace {
constexpr int64_t kOldest = 7;

// Rewrites the nodes of one graph.
class OpsetRaiser {
public:
  OpsetRaiser(Graph& graph, int64_t from, int64_t to)
      : graph_(graph), from_(from), to_(to), edit_(graph) {}

  void run() {
    for (NodeId id : std::vector<NodeId>(graph_.nodes())) {
      if (!graph_.node(id).domain.empty()) continue;
      const std::string op = graph_.node(id).op_type;
      if (op == "Clip")
        raise_clip(id);
      else if (op == "Pad")
        raise_pad(id);
      else if (op == "Slice" && from_ < 10)
        raise_slice(id);
      else if (op == "TopK" && from_ < 10)
        ints_to_input(id, 1, "k");
      else if (op == "Upsample" || (op == "Resize" && from_ < 11))
        raise_resize(id);
      else if (op == "Scatter")
        graph_.node(id).op_type = "ScatterElements";
      if (to_ >= 13 && from_ < 13) raise_to_13(id, op);
      if (to_ >= 16 && from_ < 16 && op == "RoiAlign") keep_roi_mode(id);
      if (to_ >= 18 && from_ < 18) raise_to_18(id, op);
      if (to_ >= 20 && from_ < 20) raise_to_20(id, op);
      if (to_ >= 21 && from_ < 21 && op == "GroupNormalization")
        fail(ErrorCode::UnsupportedOperator, "node '", graph_.node(id).name,
             "': GroupNormalization changes with operator set 21, which blocks of weights need");
    }
  }

private:
  void raise_to_13(NodeId id, const std::string& op) {
    if (op == "Squeeze" || op == "Unsqueeze" || op == "ReduceSum")
      ints_to_input(id, 1, "axes");
    else if (op == "Split")
      ints_to_input(id, 1, "split");
    else if (op == "Softmax" || op == "LogSoftmax" || op == "Hardmax")
      raise_softmax(id);
  }

  void keep_roi_mode(NodeId id) {
    constexpr std::string_view kMode = "coordinate_transformation_mode";
    node(id).attributes.set(kMode, node(id).attributes.get_string(kMode, "output_half_pixel"));
  }

  void raise_to_18(NodeId id, const std::string& op) {
    if (op.starts_with("Reduce") && op != "ReduceSum") ints_to_input(id, 1, "axes");
    if (op == "Split" && (node(id).inputs.size() < 2 || !node(id).inputs[1]))
      node(id).attributes.set("num_outputs", static_cast<int64_t>(node(id).outputs.size()));
  }

  void raise_to_20(NodeId id, const std::string& op) {
    const std::string mode = node(id).attributes.get_string("mode", "bilinear");
    if (op == "GridSample" && mode != "nearest")
      node(id).attributes.set("mode", std::string(mode == "bicubic" ? "cubic" : "linear"));
    if (op != "DFT") return;
    const int64_t axis = node(id).attributes.get_int("axis", 1);
    node(id).attributes.erase("axis");
    edit_.set_input(id, 2, constant(id, "axis", Tensor::scalar<int64_t>(axis)));
  }

  // Up to operator set 12, these normalize over all axes from `axis` on: over the last one of what
  // Flatten makes.
  void raise_softmax(NodeId id) {
    const int64_t axis = node(id).attributes.get_int("axis", 1);
    const auto& shape = graph_.value(node(id).inputs[0]).type.shape;
    const auto rank = shape ? static_cast<int64_t>(shape->rank()) : 0;
    if (axis != -1 && axis + 1 != rank) return wrap_in_flatten(id, axis);
    node(id).attributes.set("axis", int64_t{-1});
  }

  ValueId insert(NodeId before, std::string_view op_type, ValueId x) {
    const std::string name = graph_.value(node(before).outputs[0]).name;
    const NodeId added = edit_.insert_before(
        before,
        {.name = concat(name, "_", op_type), .op_type = std::string(op_type), .inputs = {x}});
    const ValueId out = edit_.new_value(name);
    edit_.produce(added, 0, out);
    last_ = added;
    return out;
  }

  void wrap_in_flatten(NodeId id, int64_t axis) {
    const ValueId x = node(id).inputs[0], y = node(id).outputs[0];
    const ValueId shape = insert(id, "Shape", x);
    edit_.set_input(id, 0, insert(id, "Flatten", x));
    node(last_).attributes.set("axis", axis);
    node(id).attributes.set("axis", int64_t{-1});
    Node rows = node(id);
    rows.name += "_rows";
    rows.outputs.clear();
    const NodeId moved = edit_.insert_before(id, std::move(rows));
    const ValueId flat = edit_.new_value(graph_.value(y).name);
    edit_.produce(moved, 0, flat);
    edit_.replace_node(id, {.op_type = "Reshape", .inputs = {flat, shape}});
  }

  Node& node(NodeId id) { return graph_.node(id); }

  ValueId constant(NodeId id, std::string_view what, Tensor tensor) {
    return edit_.new_constant(concat(graph_.value(node(id).outputs[0]).name, "_", what),
                              std::move(tensor));
  }

  void float_to_input(NodeId id, size_t input, const char* attribute) {
    if (!node(id).attributes.has(attribute)) return;
    const float value = node(id).attributes.get_float(attribute, 0);
    node(id).attributes.erase(attribute);
    edit_.set_input(id, input, constant(id, attribute, Tensor::scalar<float>(value)));
  }

  void ints_to_input(NodeId id, size_t input, const char* attribute) {
    const AttributeValue* value = node(id).attributes.find(attribute);
    if (!value) return;
    const auto* one = std::get_if<int64_t>(value);
    const auto values = one ? std::vector<int64_t>{*one} : node(id).attributes.get_ints(attribute);
    node(id).attributes.erase(attribute);
    edit_.set_input(id, input, constant(id, attribute, Tensor::of_dims(values)));
  }

  void raise_clip(NodeId id) {
    float_to_input(id, 1, "min");
    float_to_input(id, 2, "max");
  }

  void raise_pad(NodeId id) {
    ints_to_input(id, 1, "pads");
    float_to_input(id, 2, "value");
  }

  void raise_slice(NodeId id) {
    const size_t count = node(id).attributes.get_ints("starts").size();
    std::vector<int64_t> axes = node(id).attributes.get_ints("axes");
    if (axes.empty())
      for (size_t i = 0; i < count; ++i) axes.push_back(static_cast<int64_t>(i));
    node(id).attributes.set("axes", axes);
    ints_to_input(id, 1, "starts");
    ints_to_input(id, 2, "ends");
    ints_to_input(id, 3, "axes");
  }

  // Upsample 7 has its scales as an attribute; Upsample 9 and Resize 10 as input 1, which becomes
  // input 2.
  void raise_resize(NodeId id) {
    const std::vector<float> given = node(id).attributes.get_floats("scales");
    const ValueId scales =
        given.empty() ? node(id).inputs.at(1)
                      : constant(id, "scales",
                                 Tensor::of<float>({static_cast<int64_t>(given.size())}, given));
    node(id).attributes.erase("scales");
    node(id).op_type = "Resize";
    edit_.set_input(id, 1,
                    constant(id, "roi", Tensor::of<float>({0}, std::initializer_list<float>{})));
    edit_.set_input(id, 2, scales);
    node(id).attributes.set("coordinate_transformation_mode", std::string("asymmetric"));
    if (node(id).attributes.get_string("mode", "nearest") == "nearest")
      node(id).attributes.set("nearest_mode", std::string("floor"));
  }

  Graph& graph_;
  int64_t from_, to_;
  GraphEdit edit_;
  NodeId last_; // added by `insert`
};
} // namespace

void raise_opset(Graph& graph, int64_t to) {
  const int64_t from = graph.model.opset("");
  if (from >= to) return;
  if (from < kOldest)
    fail(ErrorCode::UnsupportedOperator, "the model uses operator set ", from,
         " of ai.onnx; this takes ", kOldest, " or newer");
  OpsetRaiser(graph, from, to).run();
  for (OpsetImport& import : graph.model.opsets)
    if (import.domain.empty()) import.version = to;
  if (to >= 21) graph.model.ir_version = std::max<int64_t>(graph.model.ir_version, 10);
  for (NodeId id : graph.nodes())
    for (const auto& subgraph : subgraphs_of(graph.node(id).attributes)) raise_opset(*subgraph, to);
}

} // namespace octet
