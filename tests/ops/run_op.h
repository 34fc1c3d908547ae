// Runs a single operator on tensors.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ops/evaluate.h"
#include "ops/registry.h"

namespace octet {

struct OpCall {
  std::string op_type;
  std::vector<Tensor> inputs = {}; // a tensor without a type stands for an absent input
  std::vector<std::pair<std::string, AttributeValue>> attributes = {};
  int64_t opset = 21;
  size_t outputs = 1;
  std::string domain = "";
};

inline std::vector<Tensor> run_op(const OpCall& call) {
  ModelInfo model;
  model.opsets.push_back({"", call.opset});
  Node node{.name = "tested", .op_type = call.op_type, .domain = call.domain};
  for (const auto& [name, value] : call.attributes) node.attributes.set(name, value);
  std::vector<const Tensor*> inputs;
  for (const Tensor& t : call.inputs) {
    const bool is_absent = t.dtype() == DType::Undefined;
    inputs.push_back(is_absent ? nullptr : &t);
    node.inputs.push_back(is_absent ? ValueId() : ValueId(node.inputs.size()));
  }
  for (size_t i = 0; i < call.outputs; ++i) node.outputs.push_back(ValueId(call.inputs.size() + i));
  auto results = evaluate(node, model, inputs);
  if (!results) fail(ErrorCode::Internal, call.op_type, " was not evaluated");
  return *results;
}

template <class T>
std::vector<T> values_of(const Tensor& tensor) {
  if (tensor.dtype() != dtype_of<T>)
    fail(ErrorCode::Internal, "a result is ", dtype_name(tensor.dtype()));
  const auto values = tensor.values<T>();
  return std::vector<T>(values.begin(), values.end());
}

inline Tensor floats(Shape shape, std::vector<float> values) {
  return Tensor::of<float>(std::move(shape), std::span<const float>(values));
}
inline Tensor ints(std::vector<int64_t> values) {
  return Tensor::of_dims(values);
}
// 0, 1, 2 …
inline Tensor counting(Shape shape) {
  std::vector<float> values(shape.elements());
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
  return floats(std::move(shape), std::move(values));
}

} // namespace octet
