// Function types of the comparison of two tensors.
#pragma once

#include <cstddef>

namespace octet::kernels {

/// What a reference r and a candidate c give, summed over elements.
struct DifferenceSums {
  double signal = 0;    ///< Σ r²
  double candidate = 0; ///< Σ c²
  double product = 0;   ///< Σ r·c
  double noise = 0;     ///< Σ (r − c)²
  double largest = 0;   ///< max |r − c|; of no meaning where the noise is NaN
};

/// Adds `count` elements.
using SumDifferencesFn = void(const float* reference, const float* candidate, size_t count,
                              DifferenceSums& sums) noexcept;

/// Of two tensors [width, channels]: the channels whose largest element, the first of several, is
/// at the same place in both. width >= 1.
using CountSameTopsFn = size_t(const float* reference, const float* candidate, size_t width,
                               size_t channels) noexcept;

} // namespace octet::kernels
