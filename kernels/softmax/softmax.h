// Softmax and its logarithm along one axis of a dense tensor [outer, axis, inner]:
//   softmax      y = exp(x − max) / Σ exp(x − max)
//   log_softmax  y = x − max − log Σ exp(x − max)
#pragma once

#include "kernels/reduce/variants.h"

namespace octet::kernels {

/// The axis is shape.reduced. y may be x. Ranges of outer indices that do not overlap may run on
/// different threads.
void softmax_f32(const ReduceShape& shape, const float* x, float* y) noexcept;
void log_softmax_f32(const ReduceShape& shape, const float* x, float* y) noexcept;

} // namespace octet::kernels
