// Normalization of rows.
//   layer_norm  y = (x − mean) / √(mean((x − mean)²) + epsilon) · scale + bias
//   rms_norm    y = x / √(mean(x²) + epsilon) · scale + bias
#pragma once

#include "kernels/norm/variants.h"

namespace octet::kernels {

/// Each computes rows [row_begin, row_end). Ranges that do not overlap may run on different
/// threads.
void layer_norm_f32(const RowNorm& args, size_t row_begin, size_t row_end) noexcept;
void rms_norm_f32(const RowNorm& args, size_t row_begin, size_t row_end) noexcept;

} // namespace octet::kernels
