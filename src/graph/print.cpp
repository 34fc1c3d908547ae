#include "graph/print.h"

#include "base/error.h"

namespace octet {
namespace {

void print_graph(std::string& out, const Graph& graph, const std::string& indent);

template <class List, class Print>
void print_list(std::string& out, const List& list, Print print) {
  for (size_t i = 0; i < list.size(); ++i) {
    if (i) out += ", ";
    print(list[i]);
  }
}

template <class... Parts>
void put(std::string& out, const Parts&... parts) {
  out += concat(parts...);
}

void print_shape(std::string& out, const TensorType& type) {
  if (!type.shape) return;
  out += '[';
  for (size_t i = 0; i < type.shape->rank(); ++i) {
    if (i) out += ", ";
    const int64_t dim = (*type.shape)[i];
    if (dim != kDynamicDim)
      put(out, dim);
    else if (type.symbols.empty() || type.symbols[i].empty())
      out += '?';
    else
      out += type.symbols[i];
  }
  out += ']';
}

void print_quant(std::string& out, const QuantParams& quant) {
  out += " {";
  if (quant.scales.size() == 1)
    put(out, "scale=", quant.scales[0], ", zero_point=", quant.zero_points[0]);
  else
    put(out, quant.scales.size(), " scales");
  if (quant.axis >= 0) put(out, ", axis=", quant.axis);
  if (quant.block_size) put(out, ", block_size=", quant.block_size);
  out += '}';
}

void print_type(std::string& out, const TensorType& type) {
  out += type.dtype == DType::Undefined ? "?" : dtype_name(type.dtype);
  print_shape(out, type);
  if (type.quant) print_quant(out, *type.quant);
}

// Prints one value of an attribute; subgraphs are printed below the node.
struct AttributePrinter {
  std::string& out;

  void operator()(int64_t value) const { put(out, value); }
  void operator()(float value) const { put(out, value); }
  void operator()(const std::string& value) const { put(out, "\"", value, "\""); }
  void operator()(const Tensor& value) const {
    put(out, dtype_name(value.dtype()), to_string(value.shape()));
  }
  void operator()(const std::shared_ptr<Graph>&) const { out += "graph"; }
  void operator()(const Opaque&) const { out += "opaque"; }
  template <class T>
  void operator()(const std::vector<T>& values) const {
    out += '[';
    print_list(out, values, *this);
    out += ']';
  }
};

void print_attributes(std::string& out, const Attributes& attributes) {
  if (attributes.size() == 0) return;
  out += " {";
  bool first = true;
  for (const auto& [name, value] : attributes) {
    put(out, first ? "" : ", ", name, "=");
    std::visit(AttributePrinter{out}, value);
    first = false;
  }
  out += '}';
}

void print_node(std::string& out, const Graph& graph, const Node& node, const std::string& indent) {
  const auto print_name = [&](ValueId id) { out += id ? graph.value(id).name : "_"; };
  out += indent;
  print_list(out, node.outputs, print_name);
  out += " = ";
  if (!node.domain.empty()) put(out, node.domain, ".");
  put(out, node.op_type, "(");
  print_list(out, node.inputs, print_name);
  out += ')';
  print_attributes(out, node.attributes);
  out += '\n';
  for (const std::shared_ptr<Graph>& subgraph : subgraphs_of(node.attributes)) {
    put(out, indent, "  graph\n");
    for (size_t i = 0; i < subgraph->captures().size(); ++i)
      put(out, indent, "    capture ", subgraph->value(subgraph->captures()[i]).name, " = ",
          graph.value(node.captures[i]).name, "\n");
    print_graph(out, *subgraph, indent + "    ");
  }
}

void print_values(std::string& out, const Graph& graph, const std::vector<ValueId>& ids,
                  std::string_view what) {
  for (ValueId id : ids) {
    put(out, what, graph.value(id).name, " ");
    print_type(out, graph.value(id).type);
    out += '\n';
  }
}

void print_graph(std::string& out, const Graph& graph, const std::string& indent) {
  print_values(out, graph, graph.inputs(), indent + "input ");
  print_values(out, graph, graph.outputs(), indent + "output ");
  for (size_t i = 0; i < graph.value_count(); ++i)
    if (graph.constant(ValueId(i))) print_values(out, graph, {ValueId(i)}, indent + "constant ");
  for (NodeId id : graph.nodes()) print_node(out, graph, graph.node(id), indent);
}
} // namespace

std::string print(const Graph& graph) {
  std::string out;
  print_graph(out, graph, "");
  return out;
}

} // namespace octet
