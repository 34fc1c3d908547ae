#include <algorithm>
#include <cfloat>
#include <cmath>

#include "kernels/dispatch.h"

namespace octet::kernels {

void f32_qs16_log2_reference(const float* x, size_t n, const Log2Levels& levels,
                             int16_t* y) noexcept {
  for (size_t i = 0; i < n; ++i) {
    y[i] = 0;
    if (!(std::abs(x[i]) > 0)) continue;
    int exponent = 0;
    const float mantissa = std::frexp(std::min(std::abs(x[i]), FLT_MAX), &exponent);
    // |x| = mantissa · 2^exponent, mantissa in [½, 1): between 2^(exponent − 1) and 2^exponent.
    const int32_t nearest = mantissa >= 0.75f ? exponent : exponent - 1;
    const int32_t count =
        std::min(nearest - levels.first + 1, x[i] < 0 ? levels.negative : levels.positive);
    if (count < 1) continue;
    const int32_t level = 1 << (count - 1);
    y[i] = static_cast<int16_t>(x[i] < 0 ? -level : level);
  }
}

} // namespace octet::kernels
