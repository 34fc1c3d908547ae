// Copies a box of elements from one strided layout to another: the body of Transpose, Slice,
// Concat, Expand, Tile, Pad's interior, DepthToSpace and their kind.
//
// Where source and target run along different axes, blocks are transposed in registers; where they
// share one, rows are moved whole; where the source repeats an element, rows are filled.
#pragma once

#include "kernels/loop_nest.h"

namespace octet::kernels {

/// Operand 0 is the source, operand 1 the target.
using CopyNest = LoopNest<2>;

/// An element has 1, 2, 4, 8 or 16 bytes. The pointers are those of the box's first element; source
/// and target do not overlap. Add the loops in the order of the target's axes.
void copy_strided(const CopyNest& nest, size_t element_bytes, const void* from, void* to) noexcept;

} // namespace octet::kernels
