// Functions of two floats, element by element with numpy broadcasting: those of binary_list.inc.
#pragma once

#include "kernels/eltwise/variants.h"
#include "kernels/loop_nest.h"

namespace octet::kernels {

enum class Binary : uint8_t {
#define OCTET_BINARY(name, Result) name,
#include "kernels/eltwise/binary_list.inc"
#undef OCTET_BINARY
};

/// Operands a, b, y. Dense tensors: y walks through its elements in order, a and b have strides of
/// 0 where they are broadcast, so that an innermost stride is 1, or 0 for a or b.
using BinaryNest = LoopNest<3>;

/// y may be an operand that is not broadcast.
void binary_f32(Binary op, const BinaryNest& nest, const float* a, const float* b,
                void* y) noexcept;

} // namespace octet::kernels
