#include <algorithm>
#include <cmath>

#include "kernels/dispatch.h"

namespace octet::kernels {

void f32_count_bins_reference(const float* x, size_t n, const BinRange& bins,
                              uint32_t* counts) noexcept {
  const double per_width = std::ldexp(1.0, -bins.exponent);
  for (size_t i = 0; i < n; ++i)
    ++counts[static_cast<int32_t>(std::floor(double{x[i]} * per_width)) - bins.first];
}

FiniteRange f32_finite_range_reference(const float* x, size_t n) noexcept {
  FiniteRange range;
  for (size_t i = 0; i < n; ++i) {
    range.min = std::min(range.min, x[i]);
    range.max = std::max(range.max, x[i]);
    range.is_finite &= std::isfinite(x[i]);
  }
  return range;
}

} // namespace octet::kernels
