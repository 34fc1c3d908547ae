#include "kernels/dispatch.h"

namespace octet::kernels {
namespace {

template <class T>
void transpose(const void* from, ptrdiff_t from_stride, void* to, ptrdiff_t to_stride, size_t rows,
               size_t columns) noexcept {
  const T* x = static_cast<const T*>(from);
  for (size_t r = 0; r < rows; ++r, x += from_stride) {
    T* y = static_cast<T*>(to) + r;
    for (size_t c = 0; c < columns; ++c, y += to_stride) *y = x[c];
  }
}

} // namespace

void x8_transpose_reference(const void* from, ptrdiff_t from_stride, void* to, ptrdiff_t to_stride,
                            size_t rows, size_t columns) noexcept {
  transpose<uint8_t>(from, from_stride, to, to_stride, rows, columns);
}
void x16_transpose_reference(const void* from, ptrdiff_t from_stride, void* to, ptrdiff_t to_stride,
                             size_t rows, size_t columns) noexcept {
  transpose<uint16_t>(from, from_stride, to, to_stride, rows, columns);
}
void x32_transpose_reference(const void* from, ptrdiff_t from_stride, void* to, ptrdiff_t to_stride,
                             size_t rows, size_t columns) noexcept {
  transpose<uint32_t>(from, from_stride, to, to_stride, rows, columns);
}

} // namespace octet::kernels
