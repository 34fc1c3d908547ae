// The transposition of a matrix under copy_strided.
#pragma once

#include <cstddef>

namespace octet::kernels {

/// to[c · to_stride + r] = from[r · from_stride + c] for r < rows, c < columns; strides in elements
/// of 1, 2, 4 or 8 bytes, by family.
using TransposeFn = void(const void* from, ptrdiff_t from_stride, void* to, ptrdiff_t to_stride,
                         size_t rows, size_t columns) noexcept;

} // namespace octet::kernels
