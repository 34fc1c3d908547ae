// Visits the taps of windows on any number of spatial axes, in ONNX's layout.
#pragma once

#include <array>
#include <vector>

#include "base/limits.h"
#include "ops/window_geometry.h"

namespace octet {

class WindowWalk {
public:
  static constexpr ptrdiff_t kPadding = -1; // within the padded input, but not in the input

  explicit WindowWalk(const WindowGeometry& window);

  size_t taps() const { return taps_; }
  // Positions of the output, and of the input.
  size_t outputs() const { return outputs_; }
  size_t plane() const { return plane_; }
  // The position of an input along one axis that counts first (storage_order 1 of MaxPool).
  size_t column_major(size_t offset) const;

  // Calls f(tap, offset) for the taps of the window at position `output` that lie in the padded
  // input: the offset in the input plane, or kPadding.
  template <class F>
  void each_tap(size_t output, F&& f) const {
    const size_t rank = axes_.size();
    std::array<const int32_t*, limits::kMaxRank> rows;
    for (size_t a = rank; a-- > 0; output /= axes_[a].outputs)
      rows[a] = axes_[a].positions.data() + output % axes_[a].outputs * axes_[a].kernel;
    std::array<size_t, limits::kMaxRank> at{};
    for (size_t tap = 0; tap < taps_; ++tap) {
      ptrdiff_t offset = 0;
      bool is_inside = true, is_beyond = false;
      for (size_t a = 0; a < rank; ++a) {
        const int32_t position = rows[a][at[a]];
        offset = offset * static_cast<ptrdiff_t>(axes_[a].inputs) + position;
        is_inside = is_inside && position >= 0;
        is_beyond = is_beyond || position == kBeyond;
      }
      if (!is_beyond) f(tap, is_inside ? offset : kPadding);
      for (size_t a = rank; a-- > 0;) {
        if (++at[a] < axes_[a].kernel) break;
        at[a] = 0;
      }
    }
  }

private:
  static constexpr int32_t kBeyond = -2; // where the padding ends, too
  struct Axis {
    size_t inputs, outputs, kernel;
    std::vector<int32_t> positions; // by output and tap: in the input, or as above
  };
  std::vector<Axis> axes_;
  size_t taps_ = 1, outputs_ = 1, plane_ = 1;
};

} // namespace octet
