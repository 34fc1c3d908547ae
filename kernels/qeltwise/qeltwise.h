// Elementwise functions of codes: int16 that hold an 8-bit code minus its zero point, the form in
// which integer operators hand tensors to one another (qgemm/output.h), so −255 to 255.
//
//   add:    y = round_half_even(clamp(float(a)·a_scale + float(b)·b_scale, lo, hi))
//   mul:    y = round_half_even(clamp(float(a·b)·a_scale, lo, hi))
//   lookup: y = table[(x − low) mod 256]
// add with a_scale = A/Y and b_scale = B/Y is the sum of real numbers with scales A and B under a
// scale Y; mul with a_scale = A·B/Y their product. The bounds are whole numbers.
#pragma once

#include "kernels/loop_nest.h"
#include "kernels/qeltwise/variants.h"

namespace octet::kernels {

/// Operands a, b, y, as for binary_f32.
using QBinaryNest = LoopNest<3>;

/// y may be an operand that is not broadcast.
void qs16_add(const QBinaryNest& nest, const int16_t* a, const int16_t* b, int16_t* y,
              const QBinaryParams& params) noexcept;
void qs16_mul(const QBinaryNest& nest, const int16_t* a, const int16_t* b, int16_t* y,
              const QBinaryParams& params) noexcept;

/// table holds 256 entries. y may be x.
void qs16_lookup(const int16_t* x, size_t n, const int16_t* table, int32_t low,
                 int16_t* y) noexcept;

/// y[c] = round_half_even(clamp(float(Σ x[i][c])·scale, lo, hi)) over `rows` rows of `columns`
/// elements: at most 2^23 rows.
void qs16_mean(const int16_t* x, size_t rows, size_t columns, const QBinaryParams& params,
               int16_t* y, int32_t* sums) noexcept;

} // namespace octet::kernels
