// Integer products whatever is constant of them: where the kernels (integer_conv.cpp,
// integer_matmul.cpp) want weights, scales and zero points that are, on any number of spatial axes.
// Exact, one product after the other.
#pragma once

#include "ops/op_def.h"

namespace octet {

Kernel prepare_conv_integer_any(PrepareContext& ctx);
Kernel prepare_qlinear_conv_any(PrepareContext& ctx);
Kernel prepare_matmul_integer_any(PrepareContext& ctx);
Kernel prepare_qlinear_matmul_any(PrepareContext& ctx);

} // namespace octet
