// numpy broadcasting as nested loops over strided operands.
#pragma once

#include <array>

#include "base/shape.h"
#include "kernels/loop_nest.h"

namespace octet {

// Loops over the elements of `out`, the last operand, in order; the others broadcast to it (infer
// has checked that they do). In the innermost loop an operand's stride is 1, or 0 where one element
// repeats.
template <size_t kOperands>
kernels::LoopNest<kOperands> broadcast_nest(const std::array<const Shape*, kOperands - 1>& operands,
                                            const Shape& out) {
  using Offsets = typename kernels::LoopNest<kOperands>::Offsets;
  kernels::LoopNest<kOperands> nest;
  if (out.elements() == 0) {
    nest.add_inner(0, {});
    return nest;
  }
  for (size_t d = out.rank(); d-- > 0;) {
    Offsets strides{};
    for (size_t i = 0; i + 1 < kOperands; ++i) {
      const Shape& shape = *operands[i];
      const size_t rank = shape.rank();
      if (d < rank && shape[rank - 1 - d] != 1)
        strides[i] = static_cast<ptrdiff_t>(shape.elements(rank - d, rank));
    }
    strides[kOperands - 1] = static_cast<ptrdiff_t>(out.elements(out.rank() - d, out.rank()));
    nest.add_inner(static_cast<size_t>(out[out.rank() - 1 - d]), strides);
  }
  return nest;
}

} // namespace octet
