#include "ops/window_walk.h"

#include "base/bytes.h"

namespace octet {

WindowWalk::WindowWalk(const WindowGeometry& window) {
  for (size_t a = 0; a < window.input.size(); ++a) {
    Axis axis{.inputs = static_cast<size_t>(window.input[a]),
              .outputs = static_cast<size_t>(window.output[a]),
              .kernel = static_cast<size_t>(window.kernel[a]),
              .positions = {}};
    axis.positions.reserve(checked_mul(axis.outputs, axis.kernel));
    for (int64_t o = 0; o < window.output[a]; ++o)
      for (int64_t k = 0; k < window.kernel[a]; ++k) {
        const int64_t at = o * window.stride[a] - window.pad_begin[a] + k * window.dilation[a];
        const bool is_inside = at >= 0 && at < window.input[a];
        const bool is_beyond = at >= window.input[a] + window.pad_end[a];
        axis.positions.push_back(is_inside   ? static_cast<int32_t>(at)
                                 : is_beyond ? kBeyond
                                             : static_cast<int32_t>(kPadding));
      }
    taps_ = checked_mul(taps_, axis.kernel);
    outputs_ = checked_mul(outputs_, axis.outputs);
    plane_ = checked_mul(plane_, axis.inputs);
    axes_.push_back(std::move(axis));
  }
}

size_t WindowWalk::column_major(size_t offset) const {
  size_t result = 0, stride = plane_;
  for (size_t a = axes_.size(); a-- > 0; offset /= axes_[a].inputs) {
    stride /= axes_[a].inputs;
    result += offset % axes_[a].inputs * stride;
  }
  return result;
}

} // namespace octet
