#include "tests/formats/native/official_schema.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <set>
#include <stdexcept>

#include <google/protobuf/util/message_differencer.h>

namespace octet::test {
namespace {
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

bool is_default(const Message& message, const Reflection& reflection,
                const FieldDescriptor* field) {
  switch (field->cpp_type()) {
  case FieldDescriptor::CPPTYPE_INT32:
    return reflection.GetInt32(message, field) == 0;
  case FieldDescriptor::CPPTYPE_INT64:
    return reflection.GetInt64(message, field) == 0;
  case FieldDescriptor::CPPTYPE_FLOAT:
    return reflection.GetFloat(message, field) == 0;
  case FieldDescriptor::CPPTYPE_ENUM:
    return reflection.GetEnumValue(message, field) == 0;
  case FieldDescriptor::CPPTYPE_STRING:
    return reflection.GetString(message, field).empty();
  default:
    return false;
  }
}

// Fields of a oneof are meant even when they have their default.
void clear_defaults(Message& message) {
  const Reflection& reflection = *message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      if (!field->is_repeated())
        clear_defaults(*reflection.MutableMessage(&message, field));
      else
        for (int i = 0; i < reflection.FieldSize(message, field); ++i)
          clear_defaults(*reflection.MutableRepeatedMessage(&message, field, i));
    } else if (!field->is_repeated() && !field->containing_oneof() &&
               is_default(message, reflection, field)) {
      reflection.ClearField(&message, field);
    }
  }
}

size_t stored_width(int data_type) {
  switch (data_type) {
  case 5:
  case 4:
  case 10:
  case 16:
    return 2;
  case 6:
  case 12:
    return 4;
  case 7:
  case 13:
    return 8;
  default:
    return 1;
  }
}

template <class List>
std::string bytes_of(const List& values, size_t width) {
  std::string out;
  for (const auto& value : values) out.append(reinterpret_cast<const char*>(&value), width);
  return out;
}

void normalize_tensor(onnx::TensorProto& tensor) {
  if (tensor.data_type() == onnx::TensorProto::STRING || tensor.has_raw_data()) return;
  const size_t width = stored_width(tensor.data_type());
  tensor.set_raw_data(bytes_of(tensor.float_data(), sizeof(float)) +
                      bytes_of(tensor.double_data(), sizeof(double)) +
                      bytes_of(tensor.int32_data(), width) + bytes_of(tensor.int64_data(), width) +
                      bytes_of(tensor.uint64_data(), width));
  tensor.clear_float_data();
  tensor.clear_double_data();
  tensor.clear_int32_data();
  tensor.clear_int64_data();
  tensor.clear_uint64_data();
}

void normalize_graph(onnx::GraphProto& graph, int64_t ir_version);

void infer_kind(onnx::AttributeProto& attribute) {
  using Attribute = onnx::AttributeProto;
  if (attribute.type() != Attribute::UNDEFINED) return;
  if (attribute.has_f()) attribute.set_type(Attribute::FLOAT);
  if (attribute.has_i()) attribute.set_type(Attribute::INT);
  if (attribute.has_s()) attribute.set_type(Attribute::STRING);
  if (attribute.has_t()) attribute.set_type(Attribute::TENSOR);
  if (attribute.has_g()) attribute.set_type(Attribute::GRAPH);
  if (attribute.floats_size()) attribute.set_type(Attribute::FLOATS);
  if (attribute.ints_size()) attribute.set_type(Attribute::INTS);
  if (attribute.strings_size()) attribute.set_type(Attribute::STRINGS);
}

void normalize_node(onnx::NodeProto& node, int64_t ir_version) {
  if (node.domain() == "ai.onnx") node.clear_domain();
  for (onnx::AttributeProto& attribute : *node.mutable_attribute()) {
    infer_kind(attribute);
    if (attribute.has_t()) normalize_tensor(*attribute.mutable_t());
    for (onnx::TensorProto& tensor : *attribute.mutable_tensors()) normalize_tensor(tensor);
    if (attribute.has_g()) normalize_graph(*attribute.mutable_g(), ir_version);
    for (onnx::GraphProto& graph : *attribute.mutable_graphs()) normalize_graph(graph, ir_version);
  }
}

onnx::ValueInfoProto input_of(const onnx::TensorProto& tensor) {
  onnx::ValueInfoProto out;
  out.set_name(tensor.name());
  auto& type = *out.mutable_type()->mutable_tensor_type();
  type.set_elem_type(tensor.data_type());
  type.mutable_shape();
  for (int64_t dim : tensor.dims()) type.mutable_shape()->add_dim()->set_dim_value(dim);
  return out;
}

// Initializers among the inputs come after the real ones, in their own order.
void order_inputs(onnx::GraphProto& graph, int64_t ir_version) {
  std::map<std::string, onnx::ValueInfoProto> listed;
  for (const auto& input : graph.input()) listed[input.name()] = input;
  std::set<std::string> initialized;
  for (const auto& tensor : graph.initializer()) initialized.insert(tensor.name());
  std::vector<onnx::ValueInfoProto> inputs;
  for (const auto& input : graph.input())
    if (!initialized.contains(input.name())) inputs.push_back(input);
  for (const auto& tensor : graph.initializer())
    if (listed.contains(tensor.name()))
      inputs.push_back(listed[tensor.name()]);
    else if (ir_version <= 3)
      inputs.push_back(input_of(tensor));
  graph.mutable_input()->Assign(inputs.begin(), inputs.end());
}

void normalize_graph(onnx::GraphProto& graph, int64_t ir_version) {
  for (onnx::NodeProto& node : *graph.mutable_node()) normalize_node(node, ir_version);
  for (onnx::TensorProto& tensor : *graph.mutable_initializer()) normalize_tensor(tensor);
  order_inputs(graph, ir_version);
  std::sort(graph.mutable_value_info()->begin(), graph.mutable_value_info()->end(),
            [](const auto& a, const auto& b) { return a.name() < b.name(); });
}
} // namespace

onnx::ModelProto parse_official(const std::string& bytes) {
  onnx::ModelProto model;
  if (!model.ParseFromString(bytes)) throw std::runtime_error("libprotobuf does not read it");
  return model;
}

std::string serialize_official(const onnx::ModelProto& model) {
  return model.SerializeAsString();
}

void normalize(onnx::ModelProto& model) {
  for (onnx::OperatorSetIdProto& import : *model.mutable_opset_import())
    if (import.domain() == "ai.onnx") import.clear_domain();
  if (model.ir_version() < 3 && model.opset_import_size() == 0)
    model.add_opset_import()->set_version(1);
  normalize_graph(*model.mutable_graph(), model.ir_version());
  clear_defaults(model);
}

std::string difference(onnx::ModelProto expected, onnx::ModelProto actual) {
  normalize(expected);
  normalize(actual);
  std::string report;
  google::protobuf::util::MessageDifferencer differencer;
  differencer.ReportDifferencesToString(&report);
  return differencer.Compare(expected, actual) ? "" : report.substr(0, 2000);
}

} // namespace octet::test
