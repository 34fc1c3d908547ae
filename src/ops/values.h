// Whole values taken apart and put together, for operators that compute on them.
#pragma once

#include <vector>

#include "ops/op_def.h"

namespace octet {

// Of facts whose values are known; null is a value of type Undefined.
std::vector<Tensor> values_of(std::span<const ValueFact* const> facts);

// The number in a tensor of one element of an integer type or bool. Throws InvalidModel.
int64_t integer_of(const NodeContext& ctx, size_t input);

// `count` slices from `begin` on along an axis of a tensor; without the axis, which must be 1 long
// then, when `keep` is false. Packed elements too. Precondition: they are there.
Tensor take(const Tensor& tensor, size_t axis, int64_t begin, int64_t count, bool keep = true);

// A tensor of numbers as one of another type, converted as ONNX Cast does.
Tensor convert(const NodeContext& ctx, const Tensor& tensor, DType to);

// Zeros, or empty strings, of a tensor's type and shape, but `size` along an axis.
Tensor zeros_like(const NodeContext& ctx, const Tensor& tensor, size_t axis, int64_t size);

// Tensors one after another along an axis; they have one type, and one shape but for that axis.
// Throws InvalidModel naming the node otherwise.
Tensor join(const NodeContext& ctx, std::span<const Tensor> tensors, size_t axis);
// Tensors of one shape along a new axis.
Tensor stack(const NodeContext& ctx, std::span<const Tensor> tensors, size_t axis);

} // namespace octet
