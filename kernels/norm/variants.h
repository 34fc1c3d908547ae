// Arguments and function type of the normalizations.
#pragma once

#include <cstddef>

namespace octet::kernels {

struct RowNorm {
  size_t columns = 0;
  const float* x = nullptr; // dense rows
  float* y = nullptr;       // may be x
  const float* scale = nullptr;
  const float* bias = nullptr; // null for none
  float epsilon = 0;
  float* mean = nullptr;        // one per row; null when not wanted (rms_norm leaves it alone)
  float* inverse_std = nullptr; // one per row: 1 / √(…); null when not wanted
};

using RowNormFn = void(const RowNorm& args, size_t row_begin, size_t row_end) noexcept;

} // namespace octet::kernels
