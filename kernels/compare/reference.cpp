#include "kernels/compare/compare.h"
#include "kernels/dispatch.h"

namespace octet::kernels {

void f32_sum_differences_reference(const float* reference, const float* candidate, size_t count,
                                   DifferenceSums& sums) noexcept {
  sum_differences(reference, candidate, count, sums);
}

size_t f32_count_same_tops_reference(const float* reference, const float* candidate, size_t width,
                                     size_t channels) noexcept {
  return count_same_tops(reference, candidate, width, channels);
}

} // namespace octet::kernels
