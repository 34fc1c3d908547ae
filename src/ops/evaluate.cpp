#include "ops/evaluate.h"

#include <algorithm>

#include "base/limits.h"
#include "ops/move_values.h"
#include "ops/registry.h"
#include "ops/values.h"

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

// A node with its operands, all known.
class Evaluation {
public:
  Evaluation(const Node& node, const ModelInfo& model, std::span<const Tensor* const> inputs,
             std::span<const Tensor* const> captures, SubgraphHost* host)
      : node_(node), op_(op_of(node)), opset_(opset_of(node, model)), inputs_(inputs),
        captures_(captures), input_facts_(facts_of(inputs)), capture_facts_(facts_of(captures)),
        input_pointers_(pointers_to(input_facts_)), capture_pointers_(pointers_to(capture_facts_)),
        host_(host) {}

  std::optional<std::vector<Tensor>> run(const ModelInfo& model, PackedWeights* weights) {
    if (!host_ && !subgraphs_of(node_.attributes).empty()) return std::nullopt;
    if (op_.compute && !takes_pointers()) return compute();
    if (!op_.infer) return std::nullopt;
    InferContext infer(node_, opset_, input_pointers_, capture_pointers_, host_);
    op_.infer(infer);
    std::vector<ValueFact>& outputs = infer.outputs();
    if (op_.aliasing == Aliasing::View)
      return std::vector<Tensor>{inputs_[0]->reshaped(*outputs[0].shape)};
    if (op_.moves && needs_substitutes(inputs_))
      return move_substitutes(inputs_, outputs, [&](std::span<const Tensor* const> substitutes) {
        return evaluate(node_, model, substitutes, captures_, host_, weights);
      });
    if (takes_conversion()) return as_float32(model, outputs, weights);
    const auto known = [](const ValueFact& fact) {
      return fact.value || (fact.shape && is_dense(fact.dtype));
    };
    if (!std::all_of(outputs.begin(), outputs.end(), known)) {
      if (op_.compute) return compute();
      return std::nullopt;
    }
    return run_kernel(outputs, weights);
  }

private:
  bool takes_conversion() const {
    return std::any_of(inputs_.begin(), inputs_.end(),
                       [&](const Tensor* t) { return t && !op_.takes(t->dtype()); });
  }

  // The results for operands that were converted, converted back.
  std::optional<std::vector<Tensor>> as_float32(const ModelInfo& model,
                                                std::span<const ValueFact> outputs,
                                                PackedWeights* weights) const {
    const NodeContext ctx(node_, opset_, input_pointers_, capture_pointers_, host_);
    std::vector<Tensor> converted(inputs_.size());
    std::vector<const Tensor*> pointers(inputs_.begin(), inputs_.end());
    for (size_t i = 0; i < inputs_.size(); ++i)
      if (inputs_[i] && is_other_float(inputs_[i]->dtype())) {
        converted[i] = convert(ctx, *inputs_[i], DType::Float32);
        pointers[i] = &converted[i];
      }
    auto results = evaluate(node_, model, pointers, captures_, host_, weights);
    for (size_t i = 0; results && i < results->size(); ++i)
      if (is_other_float(outputs[i].dtype))
        (*results)[i] = convert(ctx, (*results)[i], outputs[i].dtype);
    return results;
  }

  std::vector<Tensor> compute() const {
    return op_.compute(NodeContext(node_, opset_, input_pointers_, capture_pointers_, host_));
  }

  // Whether the operator has a kernel that the operands can be handed to.
  bool takes_pointers() const {
    const auto is_ready = [](const Tensor* t) { return !t || is_dense(t->dtype()); };
    return op_.infer && op_.prepare && std::all_of(inputs_.begin(), inputs_.end(), is_ready) &&
           std::all_of(captures_.begin(), captures_.end(), is_ready);
  }

  Buffer room_for(const ValueFact& output, size_t i) const {
    const size_t bytes = dtype_bytes(output.dtype, output.shape->elements());
    if (bytes > limits::kMaxTensorBytes)
      fail(ErrorCode::InvalidModel, node_.op_type, " '", node_.name, "': output ", i, " of shape ",
           to_string(*output.shape), " is too large");
    return Buffer(bytes);
  }

  std::optional<std::vector<Tensor>> run_kernel(const std::vector<ValueFact>& outputs,
                                                PackedWeights* weights) const {
    std::vector<Buffer> buffers(outputs.size());
    std::vector<void*> pointers(outputs.size());
    bool all_known = true;
    for (size_t i = 0; i < outputs.size(); ++i) {
      if (outputs[i].value) continue;
      all_known = false;
      buffers[i] = room_for(outputs[i], i);
      pointers[i] = buffers[i].data();
    }
    if (!all_known) {
      if (!op_.prepare) return std::nullopt;
      PackedWeights own_weights;
      const auto output_pointers = pointers_to(outputs);
      PrepareContext prepare(node_, opset_, input_pointers_, output_pointers, capture_pointers_,
                             weights ? *weights : own_weights, host_);
      const Kernel kernel = op_.prepare(prepare);
      Buffer scratch(prepare.scratch_bytes());
      const auto input_data = data_of(inputs_), capture_data = data_of(captures_);
      kernel(RunContext{input_data.data(), pointers.data(), capture_data.data(), scratch.data()});
      for (const Tensor* t : inputs_)
        if (t) t->data().drop();
    }
    std::vector<Tensor> results(outputs.size());
    for (size_t i = 0; i < outputs.size(); ++i)
      results[i] = outputs[i].value ? *outputs[i].value
                                    : Tensor(outputs[i].dtype, *outputs[i].shape,
                                             SharedBytes(std::move(buffers[i])));
    return results;
  }

  const Node& node_;
  const OpDef& op_;
  int64_t opset_;
  std::span<const Tensor* const> inputs_, captures_;
  std::vector<ValueFact> input_facts_, capture_facts_;
  std::vector<const ValueFact*> input_pointers_, capture_pointers_;
  SubgraphHost* host_;
};
} // namespace

int64_t opset_of(const Node& node, const ModelInfo& model) {
  const bool is_standard = node.domain == "ai.onnx" || node.domain == kLoweredDomain;
  return model.opset(is_standard ? "" : std::string_view(node.domain));
}

std::optional<std::vector<Tensor>> evaluate(const Node& node, const ModelInfo& model,
                                            std::span<const Tensor* const> inputs,
                                            std::span<const Tensor* const> captures,
                                            SubgraphHost* host, PackedWeights* weights) {
  return Evaluation(node, model, inputs, captures, host).run(model, weights);
}

} // namespace octet
