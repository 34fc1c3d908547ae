#include "ops/op_def.h"

namespace octet {
namespace {
std::string describe(const Node& node) {
  return node.name.empty() ? node.op_type : concat(node.op_type, " '", node.name, "'");
}
} // namespace

InferContext::InferContext(const Node& node, int64_t opset,
                           std::span<const ValueFact* const> inputs,
                           std::span<const ValueFact* const> captures, SubgraphHost* host)
    : node_(node), opset_(opset), inputs_(inputs), captures_(captures), host_(host),
      outputs_(node.outputs.size()) {}

std::string InferContext::describe_node() const {
  return describe(node_);
}

const ValueFact& InferContext::input(size_t i) const {
  if (!has_input(i)) fail("input ", i, " is missing");
  return *inputs_[i];
}

std::optional<std::vector<int64_t>> InferContext::int_values(size_t i) const {
  const ValueFact& fact = input(i);
  if (!fact.value) return std::nullopt;
  return int64_values(*fact.value, node_.op_type.c_str());
}

std::optional<std::vector<double>> InferContext::float_values(size_t i) const {
  const ValueFact& fact = input(i);
  if (!fact.value) return std::nullopt;
  return float64_values(*fact.value, node_.op_type.c_str());
}

void InferContext::set_output(size_t i, DType dtype, Shape shape) {
  if (i >= outputs_.size()) return;
  outputs_[i] = ValueFact{.dtype = dtype, .shape = std::move(shape), .value = std::nullopt};
}

void InferContext::set_output_dtype(size_t i, DType dtype) {
  if (i < outputs_.size()) outputs_[i].dtype = dtype;
}

void InferContext::set_output_value(size_t i, Tensor value) {
  if (i >= outputs_.size()) return;
  outputs_[i] =
      ValueFact{.dtype = value.dtype(), .shape = value.shape(), .value = std::move(value)};
}

void InferContext::pass_through(size_t in) {
  const ValueFact& fact = input(in);
  for (size_t i = 0; i < outputs_.size(); ++i) set_output(i, fact.dtype, *fact.shape);
}

std::shared_ptr<const Buffer> PackedWeights::get(const Tensor& source, std::string_view how,
                                                 const Pack& pack) {
  for (const Entry& entry : entries_)
    if (entry.source.data() == source.bytes() && entry.how == how) return entry.packed;
  auto packed = std::make_shared<const Buffer>(pack());
  entries_.push_back({source.data(), std::string(how), packed});
  return packed;
}

PrepareContext::PrepareContext(const Node& node, int64_t opset,
                               std::span<const ValueFact* const> inputs,
                               std::span<const ValueFact* const> outputs,
                               std::span<const ValueFact* const> captures, PackedWeights& weights,
                               SubgraphHost* host)
    : node_(node), opset_(opset), inputs_(inputs), outputs_(outputs), captures_(captures),
      weights_(weights), host_(host) {}

std::string PrepareContext::describe_node() const {
  return describe(node_);
}

const Tensor* PrepareContext::constant(size_t i) const {
  return has_input(i) && inputs_[i]->value ? &*inputs_[i]->value : nullptr;
}

std::shared_ptr<const Buffer> PrepareContext::packed(size_t i, std::string_view how,
                                                     const PackedWeights::Pack& pack) {
  return weights_.get(*constant(i), how, pack);
}

} // namespace octet
