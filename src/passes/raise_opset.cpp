#include "passes/raise_opset.h"

#include "base/error.h"
#include "graph/edit.h"

namespace octet {
namespace {
constexpr int64_t kOldest = 7, kTarget = 11;

// Rewrites the nodes of one graph.
class OpsetRaiser {
public:
  OpsetRaiser(Graph& graph, int64_t from) : graph_(graph), from_(from), edit_(graph) {}

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
      else if (op == "Upsample" || op == "Resize")
        raise_resize(id);
      else if (op == "Scatter")
        graph_.node(id).op_type = "ScatterElements";
    }
  }

private:
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
  int64_t from_;
  GraphEdit edit_;
};
} // namespace

void raise_opset(Graph& graph) {
  const int64_t from = graph.model.opset("");
  if (from >= kTarget) return;
  if (from < kOldest)
    fail(ErrorCode::UnsupportedOperator, "the model uses operator set ", from,
         " of ai.onnx; quantization needs ", kOldest, " or newer");
  OpsetRaiser(graph, from).run();
  for (OpsetImport& import : graph.model.opsets)
    if (import.domain.empty()) import.version = kTarget;
  for (NodeId id : graph.nodes())
    for (const auto& subgraph : subgraphs_of(graph.node(id).attributes)) raise_opset(*subgraph);
}

} // namespace octet
