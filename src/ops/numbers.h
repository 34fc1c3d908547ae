// Tensors of numbers taken as doubles and made of them, and nodes evaluated on the side, for
// operators whose speed does not matter: `NodeContext::float_values` reads, `make_tensor` writes.
#pragma once

#include <array>
#include <span>
#include <string_view>
#include <vector>

#include "base/limits.h"
#include "ops/element.h"
#include "ops/op_def.h"

namespace octet {

// Throws InvalidModel when a tensor of that shape is larger than one may be (or overflows). To be
// asked before anything is allocated by sizes that a model gives.
void check_room(const NodeContext& ctx, DType dtype, const Shape& shape);

// A tensor of any number type: integers truncate and saturate as in wide_convert. Throws
// UnsupportedOperator for types that do not compute. `values` are as many as the shape has.
Tensor make_tensor(const NodeContext& ctx, DType dtype, Shape shape,
                   std::span<const double> values);
Tensor make_tensor(const NodeContext& ctx, DType dtype, Shape shape,
                   std::span<const int64_t> values);

// Elements as wide numbers of the given kind, T being its type.
template <class T>
std::vector<T> wide_values(const NodeContext& ctx, const Tensor& tensor) {
  const WideType& type = wide_type(ctx, tensor.dtype());
  std::vector<uint64_t> stored(tensor.elements());
  std::vector<T> out(tensor.elements());
  type.load(tensor.aligned_bytes(), 1, out.size(), stored.data());
  wide_convert(type.wide, wide_of<T>)(stored.data(), out.size(), out.data());
  return out;
}

// Output 0 of another operator of ONNX's own set (version 13) on known tensors.
Tensor apply_op(const NodeContext& ctx, std::string_view op_type, std::span<const Tensor> inputs,
                Attributes attributes = {});

// The one number in an operand (0-d or of one element), or `fallback` without the operand.
double number_of(const NodeContext& ctx, size_t input, double fallback);

// The element type that an attribute names by ONNX's number. Throws InvalidModel.
DType dtype_attribute(const NodeContext& ctx, std::string_view name, DType fallback);

// Elements of real number types, one at a time.
struct RealView {
  const WideType* type = nullptr;
  const void* data = nullptr;

  double load(size_t i) const {
    uint64_t wide;
    double value;
    type->load(static_cast<const uint8_t*>(data) + i * type->bytes, 0, 1, &wide);
    wide_convert(type->wide, Wide::F64)(&wide, 1, &value);
    return value;
  }
};

inline void store_real(const WideType& type, void* y, size_t i, double value) {
  uint64_t wide;
  wide_convert(Wide::F64, type.wide)(&value, 1, &wide);
  type.store(&wide, 1, static_cast<uint8_t*>(y) + i * type.bytes);
}

// Calls f(i, at) for the elements of a shape in order; `at` is their offset under other strides.
template <class F>
void walk(const Shape& shape, std::span<const ptrdiff_t> strides, F&& f) {
  std::vector<int64_t> index(shape.rank());
  ptrdiff_t at = 0;
  for (size_t i = 0, count = shape.elements(); i < count; ++i) {
    f(i, static_cast<size_t>(at));
    for (size_t d = shape.rank(); d-- > 0;) {
      at += strides[d];
      if (++index[d] < shape[d]) break;
      at -= strides[d] * static_cast<ptrdiff_t>(shape[d]);
      index[d] = 0;
    }
  }
}

} // namespace octet
