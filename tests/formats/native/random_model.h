// Random ONNX models made with the official classes: every kind of attribute and every way to store
// a tensor, subgraphs, metadata, and fields that no schema knows.
#pragma once

#include <random>
#include <string>
#include <vector>

#include <onnx/onnx_pb.h>

namespace octet::test {

class RandomModel {
public:
  explicit RandomModel(uint64_t seed) : random_(seed) {}

  onnx::ModelProto make();

private:
  using Names = std::vector<std::string>;

  int below(int n) { return static_cast<int>(random_() % static_cast<uint64_t>(n)); }
  bool chance(int percent) { return below(100) < percent; }
  std::string word();
  std::string fresh_name();

  void add_unknown(google::protobuf::Message& message);
  void add_metadata(google::protobuf::Message& message, int field);
  void fill_tensor(onnx::TensorProto& tensor, bool named);
  void fill_typed_data(onnx::TensorProto& tensor, int elements);
  void fill_type(onnx::TypeProto& type);
  void fill_shape(onnx::TensorShapeProto& shape);
  void decorate_type(onnx::TypeProto& type);
  void fill_value_info(onnx::ValueInfoProto& info, const std::string& name,
                       const onnx::TypeProto* type);
  void fill_attribute(onnx::AttributeProto& attribute, const Names& visible, int depth);
  void fill_node(onnx::NodeProto& node, Names& visible, Names& produced, int depth);
  void fill_graph(onnx::GraphProto& graph, Names visible, int depth);
  void add_initializers(onnx::GraphProto& graph, Names& visible);
  void add_types(onnx::GraphProto& graph, const Names& produced);

  std::mt19937_64 random_;
  int names_ = 0;
  int64_t ir_version_ = 8;
};

} // namespace octet::test
