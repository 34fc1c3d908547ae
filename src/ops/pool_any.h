// Pools on any number of spatial axes, in ONNX's layout, and those that only exist so: with
// indices, of other norms, undone.
#pragma once

#include "ops/op_def.h"

namespace octet {

Kernel prepare_max_pool_any(PrepareContext& ctx);
Kernel prepare_average_pool_any(PrepareContext& ctx);

} // namespace octet
