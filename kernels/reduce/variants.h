// Function types of the reductions.
#pragma once

#include <cstddef>
#include <cstdint>

namespace octet::kernels {

/// A dense tensor [outer, reduced, inner].
struct ReduceShape {
  size_t outer = 1;
  size_t reduced = 1;
  size_t inner = 1;
};

enum class Reduction : uint8_t { sum, sum_abs, sum_square, product, max, min };

/// y[o, i] = fold of y[o, i] and x[o, :, i].
using ReduceFn = void(const ReduceShape& shape, const float* x, float* y) noexcept;

} // namespace octet::kernels
