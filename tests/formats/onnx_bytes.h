// Encodes small ONNX models by hand, valid or not: every function returns encoded protobuf fields,
// to be joined with +.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "formats/onnx/onnx_schema.h"
#include "formats/wire/message_writer.h"

namespace octet::test {

using wire::MessageWriter;

inline std::string number(uint32_t field, int64_t value) {
  return wire::encode_text([&](MessageWriter& w) { w.integer(field, value); });
}
// A string, or a nested message of encoded fields.
inline std::string text(uint32_t field, std::string_view value) {
  return wire::encode_text([&](MessageWriter& w) { w.text(field, value); });
}

using Names = std::initializer_list<std::string_view>;

inline std::string node_fields(std::string_view op_type, Names inputs, Names outputs) {
  std::string out = text(onnx::node::kOpType, op_type);
  for (std::string_view name : inputs) out += text(onnx::node::kInput, name);
  for (std::string_view name : outputs) out += text(onnx::node::kOutput, name);
  return out;
}

// Fields of GraphProto.
inline std::string node(std::string_view op_type, Names inputs, Names outputs,
                        std::string_view more = {}) {
  return text(onnx::graph::kNode, node_fields(op_type, inputs, outputs) + std::string(more));
}
inline std::string float_type() {
  return text(onnx::value_info::kType,
              text(onnx::type::kTensor, number(onnx::tensor_type::kElement, 1)));
}
inline std::string input(std::string_view name) {
  return text(onnx::graph::kInput, text(onnx::value_info::kName, name) + float_type());
}
inline std::string output(std::string_view name) {
  return text(onnx::graph::kOutput, text(onnx::value_info::kName, name) + float_type());
}
inline std::string initializer(std::string_view tensor_fields) {
  return text(onnx::graph::kInitializer, tensor_fields);
}

// Fields of TensorProto.
inline std::string tensor_fields(std::string_view name, DType dtype,
                                 std::initializer_list<int64_t> dims) {
  std::string out = text(onnx::tensor::kName, name);
  for (int64_t dim : dims) out += number(onnx::tensor::kDims, dim);
  return out + number(onnx::tensor::kDataType, static_cast<int64_t>(dtype));
}
inline std::string raw_data(std::string_view bytes) {
  return text(onnx::tensor::kRawData, bytes);
}

// Fields of NodeProto.
inline std::string attribute(std::string_view name, onnx::AttributeKind kind,
                             std::string_view value_field = {}) {
  return text(onnx::node::kAttribute,
              text(onnx::attribute::kName, name) +
                  number(onnx::attribute::kType, static_cast<int64_t>(kind)) +
                  std::string(value_field));
}
inline std::string int_attribute(std::string_view name, int64_t value) {
  return attribute(name, onnx::AttributeKind::Int, number(onnx::attribute::kInt, value));
}
inline std::string graph_attribute(std::string_view name, std::string_view graph_fields) {
  return attribute(name, onnx::AttributeKind::Graph, text(onnx::attribute::kGraph, graph_fields));
}

// Fields of ModelProto.
inline std::string opset(std::string_view domain, int64_t version) {
  return text(onnx::model::kOpsetImport,
              text(onnx::opset::kDomain, domain) + number(onnx::opset::kVersion, version));
}
inline std::string ir_version(int64_t version) {
  return number(onnx::model::kIrVersion, version);
}
inline std::string model_graph(std::string_view graph_fields) {
  return text(onnx::model::kGraph, graph_fields);
}
inline std::string model(std::string_view graph_fields, int64_t version = 8) {
  return ir_version(version) + opset("", 17) + model_graph(graph_fields);
}

} // namespace octet::test
