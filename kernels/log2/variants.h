// Function type of the rounding to powers of two (kernels/kernel_list.inc).
#pragma once

#include "kernels/log2/log2.h"

namespace octet::kernels {

using QuantizeLog2Fn = void(const float* x, size_t n, const Log2Levels& levels,
                            int16_t* y) noexcept;

} // namespace octet::kernels
