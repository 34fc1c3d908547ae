#include "kernels/histogram/histogram.h"

#include "kernels/dispatch.h"

namespace octet::kernels {

void count_bins(const float* x, size_t n, const BinRange& bins, uint32_t* counts) noexcept {
  kernel_table().count_bins(x, n, bins, counts);
}

} // namespace octet::kernels
