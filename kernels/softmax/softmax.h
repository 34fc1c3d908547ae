// Softmax and its logarithm along one axis:
//   softmax      y = exp(x − max) / Σ exp(x − max)
//   log_softmax  y = x − max − log Σ exp(x − max)
// The error of softmax is at most 2^-20 + |x − max| · 2^-23 of the result, that of log_softmax
// 2^-20 of 1 + |x − max|. score_softmax is softmax behind a scale and a mask.
#pragma once

#include "kernels/softmax/variants.h"

namespace octet::kernels {

void softmax_f32(const Softmax& args) noexcept;
void log_softmax_f32(const Softmax& args) noexcept;
void score_softmax_f32(const ScoreSoftmax& args) noexcept;

} // namespace octet::kernels
