// Function type of the rounding (kernels/kernel_list.inc).
#pragma once

#include "kernels/rounding/rounding.h"

namespace octet::kernels {

using RoundToCodesFn = void(const float* x, size_t n, const CodeGrid& grid, uint8_t* codes,
                            RoundingLoss& loss) noexcept;

} // namespace octet::kernels
