#include "kernels/copy/copy_strided.h"

#include <algorithm>
#include <cstring>

#include "kernels/dispatch.h"

namespace octet::kernels {
namespace {

enum Operand { kFrom, kTo };

/// Repeats the first unit of `to`, `count` units in all.
void repeat_unit(char* to, size_t unit, size_t count) noexcept {
  const size_t bytes = unit * count;
  for (size_t done = unit; done < bytes;) {
    const size_t step = std::min(done, bytes - done);
    std::memcpy(to + done, to, step);
    done += step;
  }
}

template <size_t kUnit>
void copy_units(const char* from, ptrdiff_t from_stride, char* to, ptrdiff_t to_stride,
                size_t count) noexcept {
  for (size_t i = 0; i < count; ++i, from += from_stride, to += to_stride)
    std::memcpy(to, from, kUnit);
}

/// Copies `count` runs of `unit` bytes; strides in bytes.
void copy_runs(const char* from, ptrdiff_t from_stride, char* to, ptrdiff_t to_stride, size_t unit,
               size_t count) noexcept {
  if (from_stride == 0 && to_stride == static_cast<ptrdiff_t>(unit)) {
    std::memcpy(to, from, unit);
    return repeat_unit(to, unit, count);
  }
  switch (unit) {
  case 1:
    return copy_units<1>(from, from_stride, to, to_stride, count);
  case 2:
    return copy_units<2>(from, from_stride, to, to_stride, count);
  case 4:
    return copy_units<4>(from, from_stride, to, to_stride, count);
  case 8:
    return copy_units<8>(from, from_stride, to, to_stride, count);
  case 16:
    return copy_units<16>(from, from_stride, to, to_stride, count);
  default:
    for (size_t i = 0; i < count; ++i, from += from_stride, to += to_stride)
      std::memcpy(to, from, unit);
  }
}

TransposeFn* choose_transpose(size_t element_bytes) noexcept {
  const KernelTable& table = kernel_table();
  switch (element_bytes) {
  case 1:
    return table.transpose_8;
  case 2:
    return table.transpose_16;
  case 4:
    return table.transpose_32;
  default:
    return nullptr;
  }
}

/// The axis along which the operand is contiguous, or depth().
size_t contiguous_axis(const CopyNest& nest, Operand operand) noexcept {
  size_t i = 0;
  while (i < nest.depth() && nest.axis(i).strides[operand] != 1) ++i;
  return i;
}

} // namespace

void copy_strided(const CopyNest& nest, size_t element_bytes, const void* from, void* to) noexcept {
  const auto bytes = static_cast<ptrdiff_t>(element_bytes);
  const auto for_each_box = [&](const CopyNest& outer, auto&& copy) {
    outer.for_each([&](const CopyNest::Offsets& at) {
      copy(static_cast<const char*>(from) + at[kFrom] * bytes,
           static_cast<char*>(to) + at[kTo] * bytes);
    });
  };
  CopyNest outer = nest;
  const size_t source = contiguous_axis(nest, kFrom), target = contiguous_axis(nest, kTo);
  TransposeFn* const transpose = choose_transpose(element_bytes);
  if (transpose && source != target && source < nest.depth() && target < nest.depth()) {
    const auto second = outer.take(std::max(source, target));
    const auto first = outer.take(std::min(source, target));
    const auto& columns = source < target ? first : second;
    const auto& rows = source < target ? second : first;
    return for_each_box(outer, [&](const char* x, char* y) {
      transpose(x, rows.strides[kFrom], y, columns.strides[kTo], rows.size, columns.size);
    });
  }
  size_t unit = element_bytes;
  if (source == target && source < nest.depth()) unit *= outer.take(source).size;
  const auto row = outer.take_inner();
  for_each_box(outer, [&](const char* x, char* y) {
    copy_runs(x, row.strides[kFrom] * bytes, y, row.strides[kTo] * bytes, unit, row.size);
  });
}

} // namespace octet::kernels
