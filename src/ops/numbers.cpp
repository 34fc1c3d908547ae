#include "ops/numbers.h"

#include "ops/evaluate.h"

namespace octet {
namespace {
template <class T>
Tensor make(const NodeContext& ctx, DType dtype, Shape shape, std::span<const T> values) {
  const WideType& type = wide_type(ctx, dtype);
  const WideConvert convert = wide_convert(wide_of<T>, type.wide);
  check_room(ctx, dtype, shape);
  Buffer buffer(dtype_bytes(dtype, values.size()));
  std::array<uint64_t, 256> block;
  for (size_t i = 0; i < values.size(); i += block.size()) {
    const size_t n = std::min(block.size(), values.size() - i);
    convert(values.data() + i, n, block.data());
    type.store(block.data(), n, buffer.data() + i * type.bytes);
  }
  return Tensor(dtype, std::move(shape), SharedBytes(std::move(buffer)));
}
} // namespace

void check_room(const NodeContext& ctx, DType dtype, const Shape& shape) {
  const size_t bytes = dtype == DType::String ? checked_mul(shape.elements(), sizeof(std::string))
                                              : dtype_bytes(dtype, shape.elements());
  if (bytes > limits::kMaxTensorBytes)
    ctx.fail("a result of shape ", to_string(shape), " is too large");
}

Tensor make_tensor(const NodeContext& ctx, DType dtype, Shape shape,
                   std::span<const double> values) {
  return make(ctx, dtype, std::move(shape), values);
}

Tensor make_tensor(const NodeContext& ctx, DType dtype, Shape shape,
                   std::span<const int64_t> values) {
  return make(ctx, dtype, std::move(shape), values);
}

Tensor apply_op(const NodeContext& ctx, std::string_view op_type, std::span<const Tensor> inputs,
                Attributes attributes) {
  Node node{.name = ctx.node().name, .op_type = std::string(op_type), .outputs = {ValueId()}};
  node.attributes = std::move(attributes);
  ModelInfo model;
  model.opsets = {{"", 13}};
  std::vector<const Tensor*> pointers;
  for (const Tensor& input : inputs) pointers.push_back(&input);
  auto results = evaluate(node, model, pointers, {}, ctx.host());
  if (!results) ctx.unsupported(op_type, " of these operands");
  return std::move(results->front());
}

double number_of(const NodeContext& ctx, size_t input, double fallback) {
  if (!ctx.has_input(input)) return fallback;
  const auto values = ctx.float_values(input);
  if (values->size() != 1) ctx.fail("input ", input, " must be one number");
  return values->front();
}

DType dtype_attribute(const NodeContext& ctx, std::string_view name, DType fallback) {
  const auto dtype =
      dtype_from_onnx(ctx.attributes().get_int(name, static_cast<int64_t>(fallback)));
  if (!dtype || *dtype == DType::Undefined) ctx.fail(name, " names no element type");
  return *dtype;
}

} // namespace octet
