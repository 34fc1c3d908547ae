// Products of one vector with a matrix as it lies in memory, for matrices that are used once:
// packing them for gemm_f32 would take longer than the product.
//   dot_rows  y[r] = Σ_c matrix[r][c] · x[c]
//   sum_rows  y[c] = Σ_r x[r] · matrix[r][c]
#pragma once

#include "kernels/rows_f32/variants.h"

namespace octet::kernels {

void dot_rows_f32(const RowProductF32& args) noexcept;
void sum_rows_f32(const RowProductF32& args) noexcept;

} // namespace octet::kernels
