// numpy broadcasting of up to three operands as runs in which every operand is contiguous or
// repeats one element.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "base/limits.h"
#include "base/shape.h"

namespace octet {

inline constexpr size_t kMaxBroadcastOperands = 3;

class Broadcast {
public:
  using Offsets = std::array<size_t, kMaxBroadcastOperands>; // in elements

  // Operands fit `out` by the broadcasting rule (infer has checked it).
  Broadcast(const Shape& out, std::span<const Shape* const> operands);

  // Elements of one run; 0 when the output is empty.
  size_t run_length() const { return run_length_; }
  // Of operand i within a run: 1 or 0.
  size_t run_stride(size_t i) const { return run_strides_[i]; }

  // Calls f(offset of the run in the output, offsets of the run in the operands) for every run.
  template <class F>
  void for_each_run(F&& f) const {
    if (run_length_ == 0) return;
    std::array<size_t, limits::kMaxRank> index{};
    Offsets offsets{};
    for (size_t out = 0;; out += run_length_) {
      f(out, offsets);
      if (!advance(index, offsets)) return;
    }
  }

private:
  struct Axis {
    size_t size;
    Offsets strides;
  };
  // To the next run; false after the last.
  bool advance(std::array<size_t, limits::kMaxRank>& index, Offsets& offsets) const {
    for (size_t a = outer_.size(); a-- > 0;) {
      const Axis& axis = outer_[a];
      if (++index[a] < axis.size) {
        for (size_t i = 0; i < offsets.size(); ++i) offsets[i] += axis.strides[i];
        return true;
      }
      for (size_t i = 0; i < offsets.size(); ++i) offsets[i] -= axis.strides[i] * (axis.size - 1);
      index[a] = 0;
    }
    return false;
  }

  std::vector<Axis> outer_; // outermost first
  size_t run_length_ = 1;
  Offsets run_strides_{1, 1, 1};
};

} // namespace octet
