// Function types of the pooling kernels: one output pixel from the pixels under its window.
#pragma once

#include <cstddef>
#include <cstdint>

namespace octet::kernels {

/// y[c] = the largest of taps[…][c], or the type's lowest value when there is none.
template <class T>
using MaxPoolFn = void(const T* const* taps, size_t count, size_t channels, T* y) noexcept;

/// y[c] = Σ taps[…][c] / divisor.
using AveragePoolFn = void(const float* const* taps, size_t count, size_t channels, float divisor,
                           float* y) noexcept;

} // namespace octet::kernels
