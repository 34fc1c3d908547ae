// Function types of the counting (kernels/kernel_list.inc).
#pragma once

#include "kernels/histogram/histogram.h"

namespace octet::kernels {

using CountBinsFn = void(const float* x, size_t n, const BinRange& bins, uint32_t* counts) noexcept;
using FiniteRangeFn = FiniteRange(const float* x, size_t n) noexcept;

} // namespace octet::kernels
