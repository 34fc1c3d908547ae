#include "ops/evaluate.h"

#include "base/limits.h"
#include "ops/registry.h"

namespace octet {
namespace {
std::vector<ValueFact> facts_of(std::span<const Tensor* const> tensors) {
  std::vector<ValueFact> out;
  for (const Tensor* t : tensors)
    out.push_back(t ? ValueFact{.dtype = t->dtype(), .shape = t->shape(), .value = *t}
                    : ValueFact{});
  return out;
}

std::vector<const ValueFact*> pointers_to(const std::vector<ValueFact>& facts) {
  std::vector<const ValueFact*> out;
  for (const ValueFact& fact : facts)
    out.push_back(fact.dtype == DType::Undefined ? nullptr : &fact);
  return out;
}

std::vector<const void*> data_of(std::span<const Tensor* const> tensors) {
  std::vector<const void*> out;
  for (const Tensor* t : tensors) out.push_back(t ? t->aligned_bytes() : nullptr);
  return out;
}
} // namespace

int64_t opset_of(const Node& node, const ModelInfo& model) {
  const bool is_standard = node.domain == "ai.onnx" || node.domain == kLoweredDomain;
  return model.opset(is_standard ? "" : std::string_view(node.domain));
}

std::optional<std::vector<Tensor>> evaluate(const Node& node, const ModelInfo& model,
                                            std::span<const Tensor* const> inputs,
                                            std::span<const Tensor* const> captures,
                                            SubgraphHost* host, PackedWeights* weights) {
  const OpDef& op = op_of(node);
  const int64_t opset = opset_of(node, model);
  const auto input_facts = facts_of(inputs), capture_facts = facts_of(captures);
  const auto input_pointers = pointers_to(input_facts),
             capture_pointers = pointers_to(capture_facts);
  InferContext infer(node, opset, input_pointers, capture_pointers, host);
  op.infer(infer);
  std::vector<ValueFact>& outputs = infer.outputs();
  std::vector<Tensor> results(outputs.size());
  if (op.aliasing == Aliasing::View) {
    results[0] = inputs[0]->reshaped(*outputs[0].shape);
    return results;
  }
  std::vector<Buffer> buffers(outputs.size());
  std::vector<void*> pointers(outputs.size());
  bool all_known = true;
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (!outputs[i].shape) return std::nullopt;
    const size_t bytes = dtype_bytes(outputs[i].dtype, outputs[i].shape->elements());
    if (bytes > limits::kMaxTensorBytes)
      fail(ErrorCode::InvalidModel, infer.describe_node(), ": output ", i, " of shape ",
           to_string(*outputs[i].shape), " is too large");
    if (outputs[i].value) continue;
    all_known = false;
    buffers[i] = Buffer(bytes);
    pointers[i] = buffers[i].data();
  }
  if (!all_known) {
    if (!op.prepare) return std::nullopt;
    PackedWeights own_weights;
    const auto output_pointers = pointers_to(outputs);
    PrepareContext prepare(node, opset, input_pointers, output_pointers, capture_pointers,
                           weights ? *weights : own_weights, host);
    const Kernel kernel = op.prepare(prepare);
    Buffer scratch(prepare.scratch_bytes());
    const auto input_data = data_of(inputs), capture_data = data_of(captures);
    kernel(RunContext{input_data.data(), pointers.data(), capture_data.data(), scratch.data()});
    for (const Tensor* t : inputs)
      if (t) t->data().drop();
  }
  for (size_t i = 0; i < outputs.size(); ++i)
    results[i] = outputs[i].value ? *outputs[i].value
                                  : Tensor(outputs[i].dtype, *outputs[i].shape,
                                           SharedBytes(std::move(buffers[i])));
  return results;
}

} // namespace octet
