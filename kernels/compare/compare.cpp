#include "kernels/compare/compare.h"

#include "kernels/dispatch.h"

namespace octet::kernels {

void sum_differences_f32(const float* reference, const float* candidate, size_t count,
                         DifferenceSums& sums) noexcept {
  kernel_table().sum_differences(reference, candidate, count, sums);
}

size_t count_same_tops_f32(const float* reference, const float* candidate, size_t width,
                           size_t channels) noexcept {
  return kernel_table().count_same_tops(reference, candidate, width, channels);
}

} // namespace octet::kernels
