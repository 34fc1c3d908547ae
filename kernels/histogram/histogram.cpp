#include "kernels/histogram/histogram.h"

#include "kernels/dispatch.h"

namespace octet::kernels {

void count_bins(const float* x, size_t n, const BinRange& bins, uint32_t* counts) noexcept {
  kernel_table().count_bins(x, n, bins, counts);
}

void add_counts(const uint32_t* counts, size_t bins, uint64_t* totals) noexcept {
  for (size_t i = 0; i < bins; ++i) {
    uint32_t sum = 0;
    for (size_t t = 0; t < kCountTables; ++t) sum += counts[t * bins + i];
    totals[i] += sum;
  }
}

FiniteRange finite_range(const float* x, size_t n) noexcept {
  return kernel_table().finite_range(x, n);
}

} // namespace octet::kernels
