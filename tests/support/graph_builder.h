// Builds small graphs for tests, a line a node.
#pragma once

#include <string>
#include <vector>

#include "graph/graph.h"
#include "graph/print.h"

namespace octet::test {

class GraphBuilder {
public:
  explicit GraphBuilder(int64_t opset = 17) {
    graph.model.opsets = {{"", opset}, {"com.microsoft", 1}};
  }

  ValueId input(const char* name, Shape shape, DType dtype = DType::Float32) {
    return graph.add_input(name, {.dtype = dtype, .shape = std::move(shape)});
  }
  ValueId constant(const char* name, Shape shape, std::vector<float> values) {
    return graph.add_constant(name,
                              Tensor::of<float>(std::move(shape), std::span<const float>(values)));
  }
  ValueId ints(const char* name, std::vector<int64_t> values) {
    return graph.add_constant(name, Tensor::of_dims(values));
  }
  ValueId node(const char* op_type, const char* output, std::vector<ValueId> inputs,
               std::vector<std::pair<const char*, AttributeValue>> attributes = {}) {
    const ValueId out = graph.add_value(output);
    Node made{.name = output, .op_type = op_type, .inputs = std::move(inputs), .outputs = {out}};
    for (auto& [name, value] : attributes) made.attributes.set(name, std::move(value));
    graph.add_node(std::move(made));
    return out;
  }
  void output(ValueId id) { graph.add_output(id); }

  Graph graph;
};

// The node lines of print(), without inputs, outputs and constants.
inline std::string nodes_of(const Graph& graph) {
  const std::string text = print(graph);
  std::string out;
  for (size_t begin = 0, end; begin < text.size(); begin = end) {
    end = text.find('\n', begin) + 1;
    const std::string line = text.substr(begin, end - begin);
    if (line.find(" = ") != std::string::npos) out += line;
  }
  return out;
}

} // namespace octet::test
