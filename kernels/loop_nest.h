// Nested loops over several strided operands, with neighbouring axes merged where all operands walk
// them as one. It says how broadcasting and strided copies move through memory.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace octet::kernels {

/// Loops of one step are left out, so each left doubles the elements at least: 32 levels are enough
/// for anything that fits into memory.
inline constexpr size_t kMaxLoops = 32;

template <size_t kOperands>
class LoopNest {
public:
  using Offsets = std::array<ptrdiff_t, kOperands>; // in elements, one per operand
  struct Axis {
    size_t size;
    Offsets strides;
  };

  /// Adds a loop inside those added so far. A stride of 0 repeats, a negative one walks backwards.
  void add_inner(size_t size, const Offsets& strides) noexcept {
    if (size == 0) is_empty_ = true;
    if (size <= 1) return;
    if (depth_ > 0 && continues(axes_[depth_ - 1], size, strides))
      axes_[depth_ - 1] = {axes_[depth_ - 1].size * size, strides};
    else
      axes_[depth_++] = {size, strides};
  }

  /// Whether there is nothing to visit. A nest without axes visits one element.
  bool is_empty() const noexcept { return is_empty_; }
  size_t depth() const noexcept { return depth_; }
  /// Outermost first.
  const Axis& axis(size_t i) const noexcept { return axes_[i]; }

  /// A part of the loops, and where its first element lies.
  struct Part {
    LoopNest nest;
    Offsets start{};
  };
  /// Steps [begin, end) of an axis, with all of the others.
  Part part(size_t axis, size_t begin, size_t end) const noexcept {
    Part out{*this};
    out.nest.axes_[axis].size = end - begin;
    for (size_t i = 0; i < kOperands; ++i)
      out.start[i] = axes_[axis].strides[i] * static_cast<ptrdiff_t>(begin);
    return out;
  }

  /// Takes an axis out, for a caller that walks it itself.
  Axis take(size_t i) noexcept {
    const Axis taken = axes_[i];
    for (--depth_; i < depth_; ++i) axes_[i] = axes_[i + 1];
    return taken;
  }
  /// The innermost axis taken out; one step where there is none.
  Axis take_inner() noexcept { return depth_ > 0 ? take(depth_ - 1) : Axis{1, {}}; }

  /// Calls visit(offsets) for every index of the loops.
  template <class Visit>
  void for_each(Visit&& visit) const noexcept {
    if (is_empty_) return;
    std::array<size_t, kMaxLoops> index;
    for (size_t a = 0; a < depth_; ++a) index[a] = 0;
    Offsets offsets{};
    do visit(static_cast<const Offsets&>(offsets));
    while (advance(index, offsets));
  }

private:
  static bool continues(const Axis& outer, size_t size, const Offsets& strides) noexcept {
    for (size_t i = 0; i < kOperands; ++i)
      if (outer.strides[i] != strides[i] * static_cast<ptrdiff_t>(size)) return false;
    return true;
  }

  bool advance(std::array<size_t, kMaxLoops>& index, Offsets& offsets) const noexcept {
    for (size_t a = depth_; a-- > 0;) {
      const Axis& axis = axes_[a];
      const bool wraps = ++index[a] == axis.size;
      const ptrdiff_t steps = wraps ? 1 - static_cast<ptrdiff_t>(axis.size) : 1;
      for (size_t i = 0; i < kOperands; ++i) offsets[i] += axis.strides[i] * steps;
      if (!wraps) return true;
      index[a] = 0;
    }
    return false;
  }

  std::array<Axis, kMaxLoops> axes_;
  size_t depth_ = 0;
  bool is_empty_ = false;
};

/// The two innermost loops of a nest of two operands and a result, taken out as the rows of a
/// kernel (BinaryRows, QBinaryRows); its pointers are left to the caller.
template <class Rows>
Rows take_rows(LoopNest<3>& nest) noexcept {
  const auto columns = nest.take_inner();
  const auto rows = nest.take_inner();
  return {.rows = rows.size,
          .columns = columns.size,
          .a_stride = rows.strides[0],
          .b_stride = rows.strides[1],
          .y_stride = rows.strides[2],
          .a_repeats = columns.strides[0] == 0,
          .b_repeats = columns.strides[1] == 0};
}

} // namespace octet::kernels
