// How far a tensor is from a reference: the sums that SQNR and cosine follow from, and how often
// the largest element is the same. Sums are doubles, as elements may be as large as floats get.
#pragma once

#include <algorithm>
#include <cmath>

#include "kernels/compare/variants.h"

namespace octet::kernels {

void sum_differences_f32(const float* reference, const float* candidate, size_t count,
                         DifferenceSums& sums) noexcept;

size_t count_same_tops_f32(const float* reference, const float* candidate, size_t width,
                           size_t channels) noexcept;

/// The same in plain loops, for numbers of any type.
template <class T>
void sum_differences(const T* reference, const T* candidate, size_t count,
                     DifferenceSums& sums) noexcept {
  for (size_t i = 0; i < count; ++i) {
    const double r = reference[i], c = candidate[i], difference = r - c;
    sums.signal += r * r;
    sums.candidate += c * c;
    sums.product += r * c;
    sums.noise += difference * difference;
    sums.largest = std::max(sums.largest, std::abs(difference));
  }
}

/// The place of the largest of `count` elements, `stride` apart.
template <class T>
size_t top_of(const T* x, size_t count, size_t stride) noexcept {
  size_t top = 0;
  for (size_t i = 1; i < count; ++i)
    if (x[i * stride] > x[top * stride]) top = i;
  return top;
}

template <class T>
size_t count_same_tops(const T* reference, const T* candidate, size_t width,
                       size_t channels) noexcept {
  size_t same = 0;
  for (size_t c = 0; c < channels; ++c)
    same += top_of(reference + c, width, channels) == top_of(candidate + c, width, channels);
  return same;
}

} // namespace octet::kernels
