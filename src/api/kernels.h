// The kernel pack, through which modules of WebAssembly use relaxed SIMD where the engine has it.
#pragma once

#include "kernels/relaxed_kernels.h"

namespace octet {

using kernels::relaxed_kernel_names;
using kernels::use_relaxed_kernels;

} // namespace octet
