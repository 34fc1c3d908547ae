// Function types of the elementwise kernels.
#pragma once

#include <cstddef>
#include <cstdint>

namespace octet::kernels {

using UnaryFn = void(const float* x, float* y, size_t n, const float* params) noexcept;

/// Rows of a two-operand function: y[r][c] = f(a[r][c], b[r][c]). Strides count elements. Within a
/// row y is contiguous; a and b are too, or repeat one element.
struct BinaryRows {
  size_t rows = 1;
  size_t columns = 0;
  const float* a = nullptr;
  const float* b = nullptr;
  void* y = nullptr;
  ptrdiff_t a_stride = 0; // between rows
  ptrdiff_t b_stride = 0;
  ptrdiff_t y_stride = 0;
  bool a_repeats = false; // within a row
  bool b_repeats = false;
};

using BinaryFn = void(const BinaryRows& rows) noexcept;

} // namespace octet::kernels
