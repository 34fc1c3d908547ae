#include "formats/onnx/onnx_writer.h"

#include <algorithm>
#include <map>
#include <optional>

#include "formats/onnx/onnx_schema.h"
#include "formats/onnx/own_functions.h"
#include "formats/onnx/read_type.h"
#include "formats/onnx/written_names.h"
#include "formats/wire/message_writer.h"

namespace octet {
namespace onnx {
namespace {
using wire::MessageReader;
using wire::MessageWriter;

// Up to this version every initializer is an input of the model as well.
constexpr int64_t kLastIrWithInitializerInputs = 3;

void write_graph(MessageWriter& writer, const Graph& graph, const WrittenNames& names);

// The contents of the `index`-th message of that field among encoded fields.
std::optional<std::string_view> kept_message(std::string_view fields, uint32_t field,
                                             size_t index = 0) {
  MessageReader message(wire::as_bytes(fields));
  while (message.next(field)) {
    const std::string_view content = message.text();
    if (index-- == 0) return content;
  }
  return std::nullopt;
}

std::string_view kept_fields(std::string_view fields, uint32_t field, size_t index = 0) {
  return kept_message(fields, field, index).value_or(std::string_view());
}

std::string_view kept_attribute(std::string_view fields, std::string_view name) {
  MessageReader message(wire::as_bytes(fields));
  while (message.next(node::kAttribute)) {
    const std::string_view content = message.text();
    MessageReader attribute(wire::as_bytes(content));
    if (attribute.next(attribute::kName) && attribute.text() == name) return content;
  }
  return {};
}

template <class... Fields>
void write_kept_except(MessageWriter& writer, std::string_view fields, Fields... except) {
  MessageReader message(wire::as_bytes(fields));
  while (message.next()) {
    const bool skipped = ((message.field() == except) || ...);
    const std::string_view field = message.raw();
    if (!skipped) writer.raw(field);
  }
}

void write_dim(MessageWriter& writer, int64_t dim, std::string_view symbol) {
  if (!symbol.empty())
    writer.text(dim::kParam, symbol);
  else if (dim != kDynamicDim)
    writer.integer(dim::kValue, dim);
}

void write_tensor_type(MessageWriter& writer, const TensorType& type) {
  writer.integer(tensor_type::kElement, static_cast<int64_t>(type.dtype));
  if (!type.shape) return;
  writer.message(tensor_type::kShape, [&] {
    for (size_t i = 0; i < type.shape->rank(); ++i) {
      std::string_view symbol;
      if (!type.symbols.empty()) symbol = type.symbols[i];
      writer.message(shape::kDim, [&] { write_dim(writer, (*type.shape)[i], symbol); });
    }
  });
}

// A type that was kept in its encoding is written so as long as it still says the same.
bool still_holds(std::string_view kept_info, const TensorType& type) {
  const std::optional<std::string_view> encoded = kept_message(kept_info, value_info::kType);
  if (!encoded) return false;
  TensorType kept;
  read_type(MessageReader(wire::as_bytes(*encoded)), kept);
  return kept.dtype == type.dtype && kept.shape == type.shape && kept.symbols == type.symbols;
}

void write_value_info(MessageWriter& writer, uint32_t field, std::string_view name,
                      const Value& value) {
  const std::string_view kept = kept_fields(value.extra, field);
  writer.message(field, [&] {
    writer.text(value_info::kName, name);
    if (still_holds(kept, value.type)) return writer.raw(kept);
    if (is_declared(value.type))
      writer.message(value_info::kType, [&] {
        writer.message(type::kTensor, [&] { write_tensor_type(writer, value.type); });
      });
    write_kept_except(writer, kept, value_info::kType);
  });
}

void write_tensor(MessageWriter& writer, const Tensor& tensor) {
  for (int64_t dim : tensor.shape()) writer.integer(tensor::kDims, dim);
  writer.integer(tensor::kDataType, static_cast<int64_t>(tensor.dtype()));
  if (tensor.dtype() != DType::String) return writer.bytes(tensor::kRawData, tensor.data());
  for (const std::string& string : tensor.strings()) writer.text(tensor::kStringData, string);
}

// Writes one value of an attribute; the place where it is written decides on the names it may use.
struct AttributeWriter {
  MessageWriter& writer;
  const Node& node;
  const WrittenNames& names;
  std::string_view kept; // fields of AttributeProto

  void kind(AttributeKind kind) const {
    writer.integer(attribute::kType, static_cast<int64_t>(kind));
  }
  void one_tensor(uint32_t field, const Tensor& value, size_t index) const {
    writer.message(field, [&] {
      write_tensor(writer, value);
      writer.raw(kept_fields(kept, field, index));
    });
  }
  void one_graph(uint32_t field, const Graph& graph) const {
    const WrittenNames inner(graph, node, names);
    writer.message(field, [&] { write_graph(writer, graph, inner); });
  }

  void operator()(int64_t value) const {
    writer.integer(attribute::kInt, value);
    kind(AttributeKind::Int);
  }
  void operator()(float value) const {
    writer.float32(attribute::kFloat, value);
    kind(AttributeKind::Float);
  }
  void operator()(const std::string& value) const {
    writer.text(attribute::kString, value);
    kind(AttributeKind::String);
  }
  void operator()(const Tensor& value) const {
    one_tensor(attribute::kTensor, value, 0);
    kind(AttributeKind::Tensor);
  }
  void operator()(const std::shared_ptr<Graph>& value) const {
    one_graph(attribute::kGraph, *value);
    kind(AttributeKind::Graph);
  }
  void operator()(const std::vector<int64_t>& values) const {
    for (int64_t value : values) writer.integer(attribute::kInts, value);
    kind(AttributeKind::Ints);
  }
  void operator()(const std::vector<float>& values) const {
    for (float value : values) writer.float32(attribute::kFloats, value);
    kind(AttributeKind::Floats);
  }
  void operator()(const std::vector<std::string>& values) const {
    for (const std::string& value : values) writer.text(attribute::kStrings, value);
    kind(AttributeKind::Strings);
  }
  void operator()(const std::vector<Tensor>& values) const {
    for (size_t i = 0; i < values.size(); ++i) one_tensor(attribute::kTensors, values[i], i);
    kind(AttributeKind::Tensors);
  }
  void operator()(const std::vector<std::shared_ptr<Graph>>& values) const {
    for (const auto& value : values) one_graph(attribute::kGraphs, *value);
    kind(AttributeKind::Graphs);
  }
  void operator()(const Opaque& value) const { writer.raw(value.encoded); }
};

void write_node(MessageWriter& writer, const Node& node, const WrittenNames& names) {
  for (ValueId id : node.inputs) writer.text(node::kInput, names[id]);
  for (ValueId id : node.outputs) writer.text(node::kOutput, names[id]);
  if (!node.name.empty()) writer.text(node::kName, node.name);
  writer.text(node::kOpType, node.op_type);
  if (!node.domain.empty()) writer.text(node::kDomain, node.domain);
  if (!node.overload.empty()) writer.text(node::kOverload, node.overload);
  for (const auto& [name, value] : node.attributes) {
    const std::string_view kept = kept_attribute(node.extra, name);
    writer.message(node::kAttribute, [&] {
      writer.text(attribute::kName, name);
      std::visit(AttributeWriter{writer, node, names, kept}, value);
      write_kept_except(writer, kept, attribute::kName, attribute::kTensor, attribute::kTensors);
    });
  }
  write_kept_except(writer, node.extra, node::kAttribute);
}

void write_initializers(MessageWriter& writer, const Graph& graph, const WrittenNames& names) {
  for (size_t i = 0; i < graph.value_count(); ++i) {
    const Tensor* tensor = graph.constant(ValueId(i));
    if (!tensor) continue;
    writer.message(graph::kInitializer, [&] {
      write_tensor(writer, *tensor);
      writer.text(tensor::kName, names[ValueId(i)]);
      writer.raw(kept_fields(graph.value(ValueId(i)).extra, graph::kInitializer));
    });
  }
}

void write_inputs(MessageWriter& writer, const Graph& graph, const WrittenNames& names) {
  for (ValueId id : graph.inputs())
    write_value_info(writer, graph::kInput, names[id], graph.value(id));
  const bool all = graph.model.ir_version <= kLastIrWithInitializerInputs;
  for (size_t i = 0; i < graph.value_count(); ++i) {
    const Value& value = graph.value(ValueId(i));
    if (value.constant && (all || kept_message(value.extra, graph::kInput)))
      write_value_info(writer, graph::kInput, names[ValueId(i)], value);
  }
}

void write_value_infos(MessageWriter& writer, const Graph& graph, const WrittenNames& names) {
  std::vector<bool> is_output(graph.value_count());
  for (ValueId id : graph.outputs()) is_output[id.index] = true;
  for (size_t i = 0; i < graph.value_count(); ++i) {
    const ValueId id(i);
    if (names[id].empty()) continue;
    const Value& value = graph.value(id);
    const bool implied = value.producer && is_declared(value.type) && !is_output[i];
    if (implied || kept_message(value.extra, graph::kValueInfo))
      write_value_info(writer, graph::kValueInfo, names[id], value);
  }
}

void write_graph(MessageWriter& writer, const Graph& graph, const WrittenNames& names) {
  for (NodeId id : graph.nodes())
    writer.message(graph::kNode, [&] { write_node(writer, graph.node(id), names); });
  writer.text(graph::kName, graph.name);
  write_initializers(writer, graph, names);
  write_inputs(writer, graph, names);
  for (ValueId id : graph.outputs())
    write_value_info(writer, graph::kOutput, names[id], graph.value(id));
  write_value_infos(writer, graph, names);
  writer.raw(graph.extra);
}
// Encoded, by name: those that the nodes of a graph and its subgraphs call.
using OwnFunctions = std::map<std::string_view, std::string>;

void collect_own_functions(const Graph& graph, OwnFunctions& functions) {
  for (NodeId id : graph.nodes()) {
    const Node& node = graph.node(id);
    for (const auto& subgraph : subgraphs_of(node.attributes))
      collect_own_functions(*subgraph, functions);
    if (functions.contains(node.op_type)) continue;
    std::string function = own_function(node.domain, node.op_type, graph.model.opset(""));
    if (!function.empty()) functions.emplace(node.op_type, std::move(function));
  }
}
} // namespace
} // namespace onnx

Buffer write_onnx(const Graph& graph) {
  return wire::join(write_onnx_in_pieces(graph));
}

std::vector<SharedBytes> write_onnx_in_pieces(const Graph& graph) {
  const onnx::WrittenNames names(graph);
  onnx::OwnFunctions functions;
  onnx::collect_own_functions(graph, functions);
  return wire::encode_in_pieces([&](wire::MessageWriter& writer) {
    writer.integer(onnx::model::kIrVersion, graph.model.ir_version);
    writer.raw(graph.model.extra);
    for (const OpsetImport& import : graph.model.opsets)
      writer.message(onnx::model::kOpsetImport, [&] {
        writer.text(onnx::opset::kDomain, import.domain);
        writer.integer(onnx::opset::kVersion, import.version);
      });
    writer.message(onnx::model::kGraph, [&] { onnx::write_graph(writer, graph, names); });
    for (const auto& [name, function] : functions) writer.text(onnx::model::kFunctions, function);
  });
}

} // namespace octet
