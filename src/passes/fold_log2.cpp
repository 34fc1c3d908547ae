#include "passes/fold_log2.h"

#include "graph/edit.h"
#include "ops/log2_ops.h"
#include "ops/registry.h"
#include "passes/match.h"

namespace octet {
namespace {
bool reads_as_written(const Log2Codes& read, const Log2Codes& written) {
  return read.zero_point == written.zero_point && read.type == written.type &&
         read.levels.first == written.levels.first &&
         read.levels.positive >= written.levels.positive &&
         read.levels.negative >= written.levels.negative;
}

ValueId insert_levels(GraphEdit& edit, NodeId quantize, const kernels::Log2Levels& levels) {
  const ValueId x = edit.graph().node(quantize).inputs[0];
  Node node{.name = edit.graph().node(quantize).name,
            .op_type = "Log2Levels",
            .domain = std::string(kLoweredDomain),
            .inputs = {x}};
  node.attributes.set("first", int64_t{levels.first});
  node.attributes.set("positive", int64_t{levels.positive});
  node.attributes.set("negative", int64_t{levels.negative});
  const ValueId out = edit.new_value(edit.graph().value(x).name + "_levels");
  edit.produce(edit.insert_before(quantize, std::move(node)), 0, out);
  return out;
}
} // namespace

void fold_log2(Graph& graph) {
  const Uses uses(graph);
  GraphEdit edit(graph);
  for (NodeId id : std::vector<NodeId>(graph.nodes())) {
    if (!is_op(graph.node(id), "Log2Quantize", kFunctionDomain)) continue;
    const auto written = log2_codes(graph, graph.node(id));
    if (!written) continue;
    ValueId levels, scale;
    for (NodeId reader : uses.of(graph.node(id).outputs[0])) {
      if (!is_op(graph.node(reader), "Log2Dequantize", kFunctionDomain)) continue;
      const auto read = log2_codes(graph, graph.node(reader));
      if (!read || !reads_as_written(*read, *written)) continue;
      if (!levels) {
        levels = insert_levels(edit, id, written->levels);
        scale = edit.new_constant("smallest_level", Tensor::scalar<float>(written->smallest()));
      }
      edit.replace_node(reader, {.op_type = "DequantizeLinear", .inputs = {levels, scale}});
    }
  }
  edit.remove_dead();
}

} // namespace octet
