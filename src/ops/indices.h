// Operands that hold positions (of Gather, Scatter, OneHot …): int32 or int64, untrusted, a
// negative one counts from the end. Reading one at a run throws InvalidInput when it is out of
// range.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "base/limits.h"
#include "ops/op_def.h"

namespace octet {

class Indices {
public:
  Indices(const NodeContext& ctx, size_t input);

  size_t count() const { return count_; }
  int64_t raw(const RunContext& run, size_t i) const {
    return is_wide_ ? run.input<int64_t>(input_)[i] : run.input<int32_t>(input_)[i];
  }
  // Index i, in [0, size).
  size_t at(const RunContext& run, size_t i, size_t size) const {
    const int64_t given = raw(run, i);
    const auto signed_size = static_cast<int64_t>(size);
    if (given < -signed_size || given >= signed_size) refuse(given, size);
    return static_cast<size_t>(given < 0 ? given + signed_size : given);
  }
  // That a position counted on from one of these is in [0, size).
  void check(size_t position, size_t size) const {
    if (position >= size) refuse(static_cast<int64_t>(position), size);
  }

private:
  [[noreturn]] void refuse(int64_t given, size_t size) const;

  std::string node_;
  size_t input_, count_;
  bool is_wide_;
};

// Indices whose last axis lists tuples (of GatherND, ScatterND): each addresses a slice of the
// data.
class IndexTuples {
public:
  // The tuples address the axes of `data` from `first_axis` on.
  IndexTuples(const NodeContext& ctx, size_t input, const Shape& data, size_t first_axis);

  size_t depth() const { return sizes_.size(); }
  size_t count() const { return count_; }
  // Slices that a tuple can address.
  size_t slices() const { return slices_; }
  // The slice that tuple i addresses, in [0, slices()).
  size_t at(const RunContext& run, size_t i) const {
    size_t slice = 0;
    for (size_t k = 0; k < sizes_.size(); ++k)
      slice = slice * sizes_[k] + indices_.at(run, i * sizes_.size() + k, sizes_[k]);
    return slice;
  }

private:
  Indices indices_;
  std::vector<size_t> sizes_;
  size_t count_, slices_;
};

// Visits the positions of an index tensor that replaces one axis of the data (GatherElements,
// ScatterElements).
class ElementWalk {
public:
  ElementWalk(const Shape& data, const Shape& indices, size_t axis);

  size_t axis_size() const { return axis_size_; }
  size_t axis_stride() const { return axis_stride_; }

  // Calls f(i, base): position i of the index tensor, and the element of the data with the same
  // coordinates but 0 on the axis.
  template <class F>
  void for_each(F&& f) const {
    std::array<size_t, limits::kMaxRank> index{};
    size_t base = 0;
    for (size_t i = 0; i < count_; ++i) {
      f(i, base);
      for (size_t a = sizes_.size(); a-- > 0;) {
        base += strides_[a];
        if (++index[a] < sizes_[a]) break;
        base -= strides_[a] * sizes_[a];
        index[a] = 0;
      }
    }
  }

private:
  std::vector<size_t> sizes_, strides_; // of the index tensor; in the data, 0 on the axis
  size_t count_, axis_size_, axis_stride_;
};

} // namespace octet
