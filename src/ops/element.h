// Sizes and numbers that operators read from their node, checked.
#pragma once

#include "ops/op_def.h"
#include "ops/wide.h"

namespace octet {

// Bytes of one element; throws UnsupportedOperator for types without addressable elements.
inline size_t element_bytes(const NodeContext& ctx, DType dtype) {
  const size_t bits = dtype_bits(dtype);
  if (bits < 8) ctx.unsupported("elements of type ", dtype_name(dtype));
  return bits / 8;
}

// How elements compute; throws UnsupportedOperator for types that do not.
inline const WideType& wide_type(const NodeContext& ctx, DType dtype) {
  const WideType* wide = find_wide(dtype);
  if (!wide) ctx.unsupported("elements of type ", dtype_name(dtype));
  return *wide;
}

// The same for packed elements too, which are loaded and stored by whole bytes.
inline const WideType& stored_type(const NodeContext& ctx, DType dtype) {
  const WideType* stored = find_stored(dtype);
  if (!stored) ctx.unsupported("elements of type ", dtype_name(dtype));
  return *stored;
}

// A dimension of a concrete shape.
inline size_t dim(const Shape& shape, size_t i) {
  return static_cast<size_t>(shape[i]);
}

// A tensor seen as `outer` × `size` × `inner` around one axis.
struct AxisView {
  size_t outer, size, inner;

  // The first element of line i of outer × inner; the next ones are `inner` apart.
  size_t line(size_t i) const { return i / inner * size * inner + i % inner; }
  size_t lines() const { return outer * inner; }
};

inline AxisView view_axis(const Shape& shape, size_t axis) {
  return {shape.elements(0, axis), dim(shape, axis), shape.elements(axis + 1, shape.rank())};
}

// Element strides of a dense tensor, outermost first.
inline std::vector<ptrdiff_t> dense_strides(const Shape& shape) {
  std::vector<ptrdiff_t> strides(shape.rank());
  ptrdiff_t stride = 1;
  for (size_t i = shape.rank(); i-- > 0;) {
    strides[i] = stride;
    stride *= static_cast<ptrdiff_t>(shape[i]);
  }
  return strides;
}

} // namespace octet
