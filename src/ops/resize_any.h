// Resize in every mode, on any axes, in either layout: one axis after the other.
#pragma once

#include "ops/op_def.h"

namespace octet {

Kernel prepare_resize_any(PrepareContext& ctx);

} // namespace octet
