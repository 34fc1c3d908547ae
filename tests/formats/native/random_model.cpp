#include "tests/formats/native/random_model.h"

#include <algorithm>

namespace octet::test {
namespace {
using onnx::AttributeProto;

// Bits of an element by data type; 0 for strings.
constexpr int kBits[] = {0,  32,  8,  8, 16, 16, 32, 64, 0, 8, 16, 64, 32, 64,
                         64, 128, 16, 8, 8,  8,  8,  4,  4, 4, 8,  2,  2};

int byte_count(int data_type, int elements) {
  return (elements * kBits[data_type] + 7) / 8;
}
} // namespace

std::string RandomModel::word() {
  static constexpr const char* kWords[] = {"", "alpha", "β", "a longer text with spaces", "x/y:0"};
  return kWords[below(5)];
}

std::string RandomModel::fresh_name() {
  return "n" + std::to_string(++names_);
}

// Fields of later versions of the schema, and of no version at all.
void RandomModel::add_unknown(google::protobuf::Message& message) {
  if (!chance(15)) return;
  auto& unknown = *message.GetReflection()->MutableUnknownFields(&message);
  if (chance(60)) unknown.AddVarint(1000 + below(5), random_());
  if (chance(40)) unknown.AddLengthDelimited(2000, word());
  if (chance(30)) unknown.AddFixed32(3000, static_cast<uint32_t>(random_()));
  if (chance(30)) unknown.AddFixed64(4000, random_());
}

// metadata_props, which came with later versions of the schema than the library's.
void RandomModel::add_metadata(google::protobuf::Message& message, int field) {
  if (!chance(15)) return;
  onnx::StringStringEntryProto entry;
  entry.set_key(word());
  entry.set_value(word());
  message.GetReflection()->MutableUnknownFields(&message)->AddLengthDelimited(
      field, entry.SerializeAsString());
}

void RandomModel::fill_typed_data(onnx::TensorProto& tensor, int elements) {
  using Tensor = onnx::TensorProto;
  const int type = tensor.data_type();
  const auto real = [&] { return static_cast<double>(below(2001) - 1000) / 8; };
  switch (type) {
  case Tensor::FLOAT:
  case Tensor::COMPLEX64:
    for (int i = 0; i < byte_count(type, elements) / 4; ++i)
      tensor.add_float_data(static_cast<float>(real()));
    break;
  case Tensor::DOUBLE:
  case Tensor::COMPLEX128:
    for (int i = 0; i < byte_count(type, elements) / 8; ++i) tensor.add_double_data(real());
    break;
  case Tensor::INT64:
    for (int i = 0; i < elements; ++i) tensor.add_int64_data(static_cast<int64_t>(random_()));
    break;
  case Tensor::UINT64:
    for (int i = 0; i < elements; ++i) tensor.add_uint64_data(random_());
    break;
  case Tensor::UINT32:
    for (int i = 0; i < elements; ++i) tensor.add_uint64_data(static_cast<uint32_t>(random_()));
    break;
  case Tensor::BOOL:
    for (int i = 0; i < elements; ++i) tensor.add_int32_data(below(2));
    break;
  case Tensor::INT32:
    for (int i = 0; i < elements; ++i) tensor.add_int32_data(static_cast<int32_t>(random_()));
    break;
  case Tensor::INT16:
    for (int i = 0; i < elements; ++i) tensor.add_int32_data(below(65536) - 32768);
    break;
  case Tensor::INT8:
    for (int i = 0; i < elements; ++i) tensor.add_int32_data(below(256) - 128);
    break;
  default:
    for (int i = 0; i < (kBits[type] >= 8 ? elements : byte_count(type, elements)); ++i)
      tensor.add_int32_data(below(kBits[type] == 16 ? 65536 : 256));
  }
}

void RandomModel::fill_tensor(onnx::TensorProto& tensor, bool named) {
  const int type = 1 + below(26);
  tensor.set_data_type(type);
  int elements = 1;
  for (int rank = below(4); rank > 0; --rank) {
    tensor.add_dims(below(5));
    elements *= static_cast<int>(tensor.dims(tensor.dims_size() - 1));
  }
  if (type == onnx::TensorProto::STRING) {
    for (int i = 0; i < elements; ++i) tensor.add_string_data(word());
  } else if (type != onnx::TensorProto::BOOL && chance(50)) {
    std::string& raw = *tensor.mutable_raw_data();
    for (int i = 0; i < byte_count(type, elements); ++i) raw += static_cast<char>(random_());
  } else {
    fill_typed_data(tensor, elements);
  }
  if (named)
    tensor.set_name(fresh_name());
  else if (chance(40))
    tensor.set_name(word());
  if (chance(10)) tensor.set_doc_string(word());
  if (chance(10)) tensor.set_data_location(onnx::TensorProto::DEFAULT);
  add_metadata(tensor, 16);
  add_unknown(tensor);
}

void RandomModel::fill_shape(onnx::TensorShapeProto& shape) {
  for (int rank = below(5); rank > 0; --rank) {
    auto& dim = *shape.add_dim();
    if (chance(50))
      dim.set_dim_value(below(10));
    else if (chance(60))
      dim.set_dim_param("d" + std::to_string(below(4)));
  }
}

void RandomModel::fill_type(onnx::TypeProto& type) {
  if (chance(5)) return;
  auto& tensor = *type.mutable_tensor_type();
  tensor.set_elem_type(1 + below(26));
  if (chance(85)) fill_shape(*tensor.mutable_shape());
}

// What does not change the type that a graph knows.
void RandomModel::decorate_type(onnx::TypeProto& type) {
  if (chance(10)) type.set_denotation("IMAGE");
  add_unknown(type);
  if (!type.has_tensor_type()) return;
  add_unknown(*type.mutable_tensor_type());
  for (auto& dim : *type.mutable_tensor_type()->mutable_shape()->mutable_dim()) {
    if (chance(10)) dim.set_denotation("DATA_CHANNEL");
    add_unknown(dim);
  }
}

void RandomModel::fill_value_info(onnx::ValueInfoProto& info, const std::string& name,
                                  const onnx::TypeProto* type) {
  info.set_name(name);
  if (type) {
    *info.mutable_type() = *type;
    if (type->has_tensor_type() && type->tensor_type().has_shape())
      decorate_type(*info.mutable_type());
  }
  if (chance(10)) info.set_doc_string(word());
  add_metadata(info, 4);
  add_unknown(info);
}

void RandomModel::fill_attribute(AttributeProto& attribute, const Names& visible, int depth) {
  attribute.set_name("a" + fresh_name());
  const int kind = 1 + below(14);
  attribute.set_type(static_cast<AttributeProto::AttributeType>(kind));
  const int count = below(4);
  switch (kind) {
  case AttributeProto::FLOAT:
    attribute.set_f(static_cast<float>(below(9)) / 2);
    break;
  case AttributeProto::INT:
    attribute.set_i(static_cast<int64_t>(random_()));
    break;
  case AttributeProto::STRING:
    attribute.set_s(word());
    break;
  case AttributeProto::TENSOR:
    fill_tensor(*attribute.mutable_t(), false);
    break;
  case AttributeProto::GRAPH:
    if (depth < 3)
      fill_graph(*attribute.mutable_g(), visible, depth + 1);
    else
      attribute.mutable_g()->set_name("empty");
    break;
  case AttributeProto::FLOATS:
    for (int i = 0; i < count; ++i) attribute.add_floats(static_cast<float>(below(9)));
    break;
  case AttributeProto::INTS:
    for (int i = 0; i < count; ++i) attribute.add_ints(static_cast<int64_t>(random_()));
    break;
  case AttributeProto::STRINGS:
    for (int i = 0; i < count; ++i) attribute.add_strings(word());
    break;
  case AttributeProto::TENSORS:
    for (int i = 0; i < count; ++i) fill_tensor(*attribute.add_tensors(), false);
    break;
  case AttributeProto::GRAPHS:
    for (int i = 0; i < count && depth < 2; ++i)
      fill_graph(*attribute.add_graphs(), visible, depth + 1);
    break;
  case AttributeProto::SPARSE_TENSOR:
    fill_tensor(*attribute.mutable_sparse_tensor()->mutable_values(), true);
    attribute.mutable_sparse_tensor()->add_dims(below(5));
    break;
  case AttributeProto::SPARSE_TENSORS:
    for (int i = 0; i < count; ++i)
      fill_tensor(*attribute.add_sparse_tensors()->mutable_values(), true);
    break;
  case AttributeProto::TYPE_PROTO:
    fill_type(*attribute.mutable_tp());
    break;
  case AttributeProto::TYPE_PROTOS:
    for (int i = 0; i < count; ++i) fill_type(*attribute.add_type_protos());
    break;
  }
  const bool scalar = kind <= AttributeProto::STRING;
  if (scalar && ir_version_ < 3 && chance(50)) attribute.clear_type();
  if (chance(10)) attribute.set_doc_string(word());
  add_unknown(attribute);
}

void RandomModel::fill_node(onnx::NodeProto& node, Names& visible, Names& produced, int depth) {
  static constexpr const char* kOps[] = {"Relu", "Conv", "If", "Custom"};
  node.set_op_type(kOps[below(4)]);
  if (chance(30)) node.set_name(word());
  if (chance(20)) node.set_domain(chance(50) ? "com.example" : "ai.onnx");
  if (chance(10)) node.set_doc_string(word());
  for (int i = below(4); i > 0; --i)
    node.add_input(
        visible.empty() || chance(10) ? "" : visible[below(static_cast<int>(visible.size()))]);
  for (int i = below(4); i > 0; --i) {
    node.add_output(chance(10) ? "" : fresh_name());
    if (!node.output(node.output_size() - 1).empty())
      produced.push_back(node.output(node.output_size() - 1));
  }
  for (int i = below(3); i > 0; --i) fill_attribute(*node.add_attribute(), visible, depth);
  if (chance(10)) // overload
    node.GetReflection()->MutableUnknownFields(&node)->AddLengthDelimited(8, "fast");
  add_metadata(node, 9);
  add_unknown(node);
}

void RandomModel::add_initializers(onnx::GraphProto& graph, Names& visible) {
  for (int i = below(5); i > 0; --i) {
    auto& tensor = *graph.add_initializer();
    fill_tensor(tensor, true);
    visible.push_back(tensor.name());
    onnx::TypeProto type;
    type.mutable_tensor_type()->set_elem_type(tensor.data_type());
    type.mutable_tensor_type()->mutable_shape();
    for (int64_t dim : tensor.dims())
      type.mutable_tensor_type()->mutable_shape()->add_dim()->set_dim_value(dim);
    if (ir_version_ <= 3 || chance(20)) fill_value_info(*graph.add_input(), tensor.name(), &type);
    if (chance(10)) fill_value_info(*graph.add_value_info(), tensor.name(), &type);
  }
}

void RandomModel::add_types(onnx::GraphProto& graph, const Names& produced) {
  for (const std::string& name : produced) {
    onnx::TypeProto type;
    fill_type(type);
    const bool is_output = chance(30);
    if (is_output) fill_value_info(*graph.add_output(), name, chance(80) ? &type : nullptr);
    const bool typed = !is_output || graph.output(graph.output_size() - 1).has_type();
    if (chance(50)) fill_value_info(*graph.add_value_info(), name, typed ? &type : nullptr);
  }
  if (chance(10)) {
    onnx::TypeProto type;
    fill_type(type);
    fill_value_info(*graph.add_value_info(), fresh_name(), &type);
  }
}

void RandomModel::fill_graph(onnx::GraphProto& graph, Names visible, int depth) {
  if (chance(80)) graph.set_name(word());
  if (chance(20)) graph.set_doc_string(word());
  for (int i = below(4); i > 0; --i) {
    const std::string name = fresh_name();
    visible.push_back(name);
    onnx::TypeProto type;
    if (chance(80))
      fill_type(type);
    else if (chance(50))
      type.mutable_sequence_type()->mutable_elem_type()->mutable_tensor_type()->set_elem_type(1);
    else
      type.mutable_optional_type()->mutable_elem_type()->mutable_tensor_type()->set_elem_type(1);
    fill_value_info(*graph.add_input(), name, &type);
    if (chance(10)) fill_value_info(*graph.add_value_info(), name, &type);
  }
  add_initializers(graph, visible);
  std::shuffle(graph.mutable_input()->pointer_begin(), graph.mutable_input()->pointer_end(),
               random_);
  Names produced;
  for (int i = below(depth == 0 ? 12 : 4); i > 0; --i) {
    Names outputs;
    fill_node(*graph.add_node(), visible, outputs, depth);
    visible.insert(visible.end(), outputs.begin(), outputs.end());
    produced.insert(produced.end(), outputs.begin(), outputs.end());
  }
  add_types(graph, produced);
  if (chance(20)) graph.add_quantization_annotation()->set_tensor_name(word());
  add_metadata(graph, 16);
  add_unknown(graph);
}

onnx::ModelProto RandomModel::make() {
  onnx::ModelProto model;
  ir_version_ = 1 + below(11);
  model.set_ir_version(ir_version_);
  if (ir_version_ >= 3) {
    auto& import = *model.add_opset_import();
    import.set_version(1 + below(25));
    if (chance(30)) import.set_domain(chance(50) ? "ai.onnx" : "");
    auto& custom = *model.add_opset_import();
    custom.set_domain("com.example");
    custom.set_version(1);
  }
  if (chance(50)) model.set_producer_name(word());
  if (chance(50)) model.set_producer_version(word());
  if (chance(30)) model.set_domain(word());
  if (chance(30)) model.set_model_version(below(100));
  if (chance(30)) model.set_doc_string(word());
  for (int i = below(3); i > 0; --i) model.add_metadata_props()->set_key(word());
  fill_graph(*model.mutable_graph(), {}, 0);
  if (chance(20)) fill_graph(*model.add_training_info()->mutable_algorithm(), {}, 2);
  add_unknown(model);
  return model;
}

} // namespace octet::test
