// Function types of the copies.
#pragma once

#include <cstddef>

namespace octet::kernels {

/// to[c · to_stride + r] = from[r · from_stride + c] for r < rows, c < columns; strides count
/// elements, whose size is the family's.
using TransposeFn = void(const void* from, ptrdiff_t from_stride, void* to, ptrdiff_t to_stride,
                         size_t rows, size_t columns) noexcept;

} // namespace octet::kernels
