// Function types of the functions of codes that have several variants (qeltwise.h).
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

namespace octet::kernels {

struct QBinaryParams {
  float a_scale = 1;
  float b_scale = 1;
  float lo = -255;
  float hi = 255;
};

/// The code of a real number in units of the result; NaN gives lo.
inline int16_t round_to_code(float x, const QBinaryParams& p) noexcept {
  x = p.lo < x ? x : p.lo;
  x = x < p.hi ? x : p.hi;
  return static_cast<int16_t>(std::nearbyint(x));
}

/// Rows as those of BinaryRows: within a row y is contiguous, a and b are too or repeat one
/// element.
struct QBinaryRows {
  size_t rows = 1;
  size_t columns = 0;
  const int16_t* a = nullptr;
  const int16_t* b = nullptr;
  int16_t* y = nullptr;
  ptrdiff_t a_stride = 0; // between rows, in elements
  ptrdiff_t b_stride = 0;
  ptrdiff_t y_stride = 0;
  bool a_repeats = false; // within a row
  bool b_repeats = false;
};

using QBinaryFn = void(const QBinaryRows& rows, const QBinaryParams& params) noexcept;

/// sums[c] += Σ x[i][c] over `rows` rows of `columns` codes.
using QAccumulateFn = void(const int16_t* x, size_t rows, size_t columns, int32_t* sums) noexcept;

} // namespace octet::kernels
