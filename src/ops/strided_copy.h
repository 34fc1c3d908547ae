// Copies a box of elements from one strided layout to another: the body of Transpose, Slice,
// Expand, Tile, Concat and their kind.
#pragma once

#include <cstddef>
#include <vector>

#include "base/shape.h"

namespace octet {

class StridedCopy {
public:
  // One axis of the box; strides in elements, 0 repeats, negative walks backwards.
  struct Axis {
    size_t size;
    ptrdiff_t from, to;
  };

  // `axes` outermost first. An element has 1, 2, 4, 8 or 16 bytes.
  StridedCopy(size_t element_bytes, const std::vector<Axis>& axes);

  // `from` and `to` point at the first element of the box; they do not overlap.
  void operator()(const void* from, void* to) const noexcept;

private:
  void copy_row(const uint8_t* from, uint8_t* to) const noexcept;

  std::vector<Axis> outer_; // strides in bytes
  Axis row_{1, 0, 0};       // strides in bytes
  size_t unit_bytes_;       // contiguous on both sides
};

// Element strides of a dense tensor, outermost first.
std::vector<ptrdiff_t> dense_strides(const Shape& shape);

} // namespace octet
