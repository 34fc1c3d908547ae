#include "ops/op_def.h"

namespace octet {
std::string NodeContext::describe_node() const {
  return node_.name.empty() ? node_.op_type : concat(node_.op_type, " '", node_.name, "'");
}

void NodeContext::refuse(ErrorCode code, std::initializer_list<TextPart> message) const {
  octet::fail(code, describe_node(), ": ", concat_parts(message));
}

const ValueFact& NodeContext::input(size_t i) const {
  if (!has_input(i)) fail("input ", i, " is missing");
  return *inputs_[i];
}

std::optional<std::vector<int64_t>> NodeContext::int_values(size_t i) const {
  const ValueFact& fact = input(i);
  if (!fact.value) return std::nullopt;
  return int64_values(*fact.value, describe_node().c_str());
}

std::optional<std::vector<double>> NodeContext::float_values(size_t i) const {
  const ValueFact& fact = input(i);
  if (!fact.value) return std::nullopt;
  return float64_values(*fact.value, describe_node().c_str());
}

std::optional<std::vector<int64_t>> NodeContext::int_operand(size_t i,
                                                             std::string_view attribute) const {
  return has_input(i) ? int_values(i) : attributes().get_ints(attribute);
}

size_t NodeContext::normalize_axis(int64_t axis, size_t rank) const {
  return octet::normalize_axis(axis, rank, describe_node().c_str());
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
  Entry& entry = entries_[{source.data().identity(), std::string(how)}];
  if (!entry.packed) {
    entry.packed = std::make_shared<const Buffer>(pack());
    entry.source = source.data();
    entry.source.drop();
  }
  return entry.packed;
}

const Tensor* PrepareContext::constant(size_t i) const {
  return has_input(i) && input(i).value ? &*input(i).value : nullptr;
}

std::shared_ptr<const Buffer> PrepareContext::packed(size_t i, std::string_view how,
                                                     const PackedWeights::Pack& pack) {
  packed_[i] = true;
  return weights_.get(*constant(i), how, pack);
}

} // namespace octet
