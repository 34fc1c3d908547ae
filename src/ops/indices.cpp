#include "ops/indices.h"

#include "ops/element.h"

namespace octet {

Indices::Indices(const NodeContext& ctx, size_t input)
    : node_(ctx.describe_node()), input_(input), count_(ctx.shape(input).elements()),
      is_wide_(ctx.dtype(input) == DType::Int64) {
  if (!is_wide_ && ctx.dtype(input) != DType::Int32)
    ctx.unsupported("indices of type ", dtype_name(ctx.dtype(input)));
}

void Indices::refuse(int64_t given, size_t size) const {
  fail(ErrorCode::InvalidInput, node_, ": index ", given, " is outside of an axis of size ", size);
}

IndexTuples::IndexTuples(const NodeContext& ctx, size_t input, const Shape& data, size_t first_axis)
    : indices_(ctx, input) {
  const Shape& shape = ctx.shape(input);
  const auto depth = static_cast<size_t>(shape.back());
  for (size_t k = 0; k < depth; ++k) sizes_.push_back(dim(data, first_axis + k));
  count_ = shape.elements(0, shape.rank() - 1);
  slices_ = data.elements(first_axis, first_axis + depth);
}

ElementWalk::ElementWalk(const Shape& data, const Shape& indices, size_t axis)
    : count_(indices.elements()), axis_size_(dim(data, axis)) {
  const auto strides = dense_strides(data);
  axis_stride_ = static_cast<size_t>(strides[axis]);
  if (data.rank() > limits::kMaxRank)
    fail(ErrorCode::InvalidModel, "a tensor has more than ", limits::kMaxRank, " dimensions");
  for (size_t i = 0; i < data.rank(); ++i) {
    sizes_.push_back(dim(indices, i));
    strides_.push_back(i == axis ? 0 : static_cast<size_t>(strides[i]));
  }
}

} // namespace octet
