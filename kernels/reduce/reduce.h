// Reductions of float tensors seen as [outer, axis, inner], for one axis or several that
// lie side by side: Σ x, Σ |x|, Σ x², Π x, max and min (where a NaN wins).
//
// The error of a sum is at most (axis + 2) · 2^-24 · Σ |term|; rows keep sixteen partial sums.
#pragma once

#include "kernels/reduce/variants.h"

namespace octet::kernels {

enum class Reduction : uint8_t { sum, sum_abs, sum_square, product, max, min };

/// The operation's neutral element, to start from.
float reduce_initial(Reduction op) noexcept;

/// y[o, i] = fold of y[o, i] and x[o, :, i].
void reduce_f32(Reduction op, const AxisShape& shape, const float* x, float* y) noexcept;

} // namespace octet::kernels
