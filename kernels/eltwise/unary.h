// Float functions of one number, element by element: exp_f32, tanh_f32, gelu_f32 and the others of
// unary_list.inc.
//
// Error: functions made of roundings, additions, multiplications, divisions and square roots are as
// exact as their formula; the others stay within 4 units in the last place of the true value where
// that is a normal number, but for gelu and gelu_tanh at x < 0, whose error is at most 2^-22 · |x|.
#pragma once

#include "kernels/eltwise/variants.h"

namespace octet::kernels {

/// y[i] = function(x[i]); y may be x. `params` may be null where the function has none.
#define OCTET_UNARY(name)                                                                          \
  void name##_f32(const float* x, float* y, size_t n, const float* params) noexcept;
#include "kernels/eltwise/unary_list.inc"
#undef OCTET_UNARY

} // namespace octet::kernels
