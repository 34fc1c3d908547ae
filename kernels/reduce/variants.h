// Function types of the reductions.
#pragma once

#include <cstddef>
#include <cstdint>

namespace octet::kernels {

/// A dense tensor [outer, axis, inner], seen from one of its axes.
struct AxisShape {
  size_t outer = 1;
  size_t axis = 1;
  size_t inner = 1;
};

/// y[o, i] = fold of y[o, i] and x[o, :, i].
using ReduceFn = void(const AxisShape& shape, const float* x, float* y) noexcept;

} // namespace octet::kernels
