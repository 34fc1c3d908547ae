// Convolutions on any number of spatial axes, in ONNX's layout: where the kernels for images, which
// run channels-last, do not reach (three axes; shapes that only a run can tell).
#pragma once

#include "ops/op_def.h"

namespace octet {

Kernel prepare_conv_any(PrepareContext& ctx);
Kernel prepare_conv_transpose_any(PrepareContext& ctx);

} // namespace octet
