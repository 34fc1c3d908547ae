#include "ops/values.h"

#include <cstring>

#include "base/limits.h"
#include "ops/element.h"
#include "ops/elementwise.h"
#include "ops/narrow.h"

namespace octet {
namespace {
// The dense form of packed elements.
Tensor addressable(const Tensor& tensor) {
  return is_narrow(tensor.dtype()) ? widen_codes(tensor) : tensor;
}

Tensor packed_again(const Tensor& tensor, DType dtype) {
  return is_narrow(dtype) ? narrow_codes(tensor, dtype) : tensor;
}

// Copies rows of elements of a tensor; one loop for bytes and strings.
class RowCopy {
public:
  RowCopy(DType dtype, Shape shape)
      : shape_(std::move(shape)), dtype_(dtype), bytes_(dtype_bits(dtype) / 8) {
    const size_t elements = shape_.elements();
    if (dtype_ == DType::String)
      strings_.resize(elements);
    else
      buffer_ = Buffer(dtype_bytes(dtype_, elements));
  }

  void copy(const Tensor& from, size_t first, size_t to, size_t count) {
    if (dtype_ == DType::String)
      std::copy_n(from.strings().begin() + static_cast<ptrdiff_t>(first), count,
                  strings_.begin() + static_cast<ptrdiff_t>(to));
    else if (count)
      std::memcpy(buffer_.data() + to * bytes_, from.bytes() + first * bytes_, count * bytes_);
  }

  Tensor take() {
    if (dtype_ == DType::String) return Tensor(std::move(shape_), std::move(strings_));
    return Tensor(dtype_, std::move(shape_), SharedBytes(std::move(buffer_)));
  }

private:
  Shape shape_;
  DType dtype_;
  size_t bytes_;
  std::vector<std::string> strings_;
  Buffer buffer_;
};

Shape with_dim(const Shape& shape, size_t axis, int64_t size) {
  Shape out = shape;
  out[axis] = size;
  return out;
}

Shape without_dim(const Shape& shape, size_t axis) {
  Shape out;
  for (size_t i = 0; i < shape.rank(); ++i)
    if (i != axis) out.push_back(shape[i]);
  return out;
}

Shape with_new_dim(const Shape& shape, size_t axis) {
  Shape out;
  for (size_t i = 0; i <= shape.rank(); ++i) {
    if (i == axis) out.push_back(1);
    if (i < shape.rank()) out.push_back(shape[i]);
  }
  return out;
}
} // namespace

std::vector<Tensor> values_of(std::span<const ValueFact* const> facts) {
  std::vector<Tensor> out;
  for (const ValueFact* fact : facts) out.push_back(fact ? *fact->value : Tensor());
  return out;
}

int64_t integer_of(const NodeContext& ctx, size_t input) {
  const Tensor& tensor = ctx.value(input);
  const bool is_number = is_integer(tensor.dtype()) || tensor.dtype() == DType::Bool;
  if (!is_number || tensor.elements() != 1)
    ctx.fail("input ", input, " must be one integer, not ", dtype_name(tensor.dtype()),
             " of shape ", to_string(tensor.shape()));
  return (*ctx.int_values(input))[0];
}

Tensor take(const Tensor& tensor, size_t axis, int64_t begin, int64_t count, bool keep) {
  const Shape& shape = tensor.shape();
  Shape to = with_dim(shape, axis, count);
  const Tensor from = addressable(tensor);
  const size_t outer = shape.elements(0, axis), inner = shape.elements(axis + 1, shape.rank());
  const size_t row = dim(shape, axis) * inner, length = static_cast<size_t>(count) * inner;
  RowCopy rows(from.dtype(), keep ? to : without_dim(to, axis));
  for (size_t i = 0; i < outer; ++i)
    rows.copy(from, i * row + static_cast<size_t>(begin) * inner, i * length, length);
  return packed_again(rows.take(), tensor.dtype());
}

Tensor zeros_like(const NodeContext& ctx, const Tensor& tensor, size_t axis, int64_t size) {
  Shape shape = with_dim(tensor.shape(), axis, size);
  const size_t elements = shape.elements(), bytes = dtype_bytes(tensor.dtype(), elements);
  if (bytes > limits::kMaxTensorBytes || elements > limits::kMaxTensorBytes)
    ctx.fail("a result of shape ", to_string(shape), " is too large");
  if (tensor.dtype() == DType::String)
    return Tensor(std::move(shape), std::vector<std::string>(elements));
  Buffer zeros(bytes);
  std::fill_n(zeros.data(), bytes, uint8_t{0});
  return Tensor(tensor.dtype(), std::move(shape), SharedBytes(std::move(zeros)));
}

Tensor convert(const NodeContext& ctx, const Tensor& tensor, DType to) {
  const WideType &source = stored_type(ctx, tensor.dtype()), &target = stored_type(ctx, to);
  const WideConvert convert = wide_convert(source.wide, target.wide);
  const size_t count = tensor.elements(), from_bits = dtype_bits(tensor.dtype()),
               to_bits = dtype_bits(to);
  Buffer buffer(dtype_bytes(to, count));
  ElementwiseBlock wide, result;
  for (size_t i = 0; i < count; i += kElementwiseBlock) {
    const size_t n = std::min(kElementwiseBlock, count - i);
    source.load(tensor.bytes() + i * from_bits / 8, 1, n, wide.data());
    convert(wide.data(), n, result.data());
    target.store(result.data(), n, buffer.data() + i * to_bits / 8);
  }
  return Tensor(to, tensor.shape(), SharedBytes(std::move(buffer)));
}

Tensor join(const NodeContext& ctx, std::span<const Tensor> tensors, size_t axis) {
  if (tensors.empty()) ctx.fail("there is nothing to put together");
  const Tensor& first = tensors[0];
  int64_t total = 0;
  for (const Tensor& t : tensors) {
    const bool fits = t.dtype() == first.dtype() && t.shape().rank() == first.shape().rank() &&
                      with_dim(t.shape(), axis, 0) == with_dim(first.shape(), axis, 0);
    if (!fits)
      ctx.fail(dtype_name(first.dtype()), " ", to_string(first.shape()),
               " does not go together with ", dtype_name(t.dtype()), " ", to_string(t.shape()));
    total += t.shape()[axis];
  }
  Shape shape = with_dim(first.shape(), axis, total);
  const size_t outer = shape.elements(0, axis), inner = shape.elements(axis + 1, shape.rank());
  const size_t row = static_cast<size_t>(total) * inner;
  if (dtype_bytes(first.dtype(), shape.elements()) > limits::kMaxTensorBytes)
    ctx.fail("the result of shape ", to_string(shape), " is too large");
  RowCopy rows(is_narrow(first.dtype()) ? DType::UInt8 : first.dtype(), std::move(shape));
  size_t column = 0;
  for (const Tensor& t : tensors) {
    const Tensor from = addressable(t);
    const size_t length = dim(t.shape(), axis) * inner;
    for (size_t i = 0; i < outer; ++i) rows.copy(from, i * length, i * row + column, length);
    column += length;
  }
  return packed_again(rows.take(), first.dtype());
}

Tensor stack(const NodeContext& ctx, std::span<const Tensor> tensors, size_t axis) {
  std::vector<Tensor> extended;
  for (const Tensor& t : tensors) {
    if (axis > t.shape().rank()) ctx.fail("there is no axis ", axis, " in ", to_string(t.shape()));
    extended.push_back(t.reshaped(with_new_dim(t.shape(), axis)));
  }
  return join(ctx, extended, axis);
}

} // namespace octet
