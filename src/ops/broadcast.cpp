#include "ops/broadcast.h"

#include "base/error.h"

namespace octet {

Broadcast::Broadcast(const Shape& out, std::span<const Shape* const> operands) {
  std::array<size_t, kMaxBroadcastOperands> pitch{1, 1, 1}; // elements below the current axis
  std::vector<Axis> axes;                                   // innermost first
  for (size_t d = 0; d < out.rank(); ++d) {
    const size_t size = static_cast<size_t>(out[out.rank() - 1 - d]);
    if (size == 0) {
      run_length_ = 0;
      return;
    }
    if (size == 1) continue;
    Axis axis{size, {}};
    for (size_t i = 0; i < operands.size(); ++i) {
      const Shape& shape = *operands[i];
      const bool repeats = d >= shape.rank() || shape[shape.rank() - 1 - d] == 1;
      axis.strides[i] = repeats ? 0 : pitch[i];
      if (!repeats) pitch[i] *= size;
    }
    const auto continues = [&](const Axis& inner) {
      for (size_t i = 0; i < operands.size(); ++i)
        if (axis.strides[i] != inner.strides[i] * inner.size) return false;
      return true;
    };
    if (!axes.empty() && continues(axes.back()))
      axes.back().size *= size;
    else
      axes.push_back(axis);
  }
  if (axes.empty()) return;
  run_length_ = axes.front().size;
  run_strides_ = axes.front().strides;
  outer_.assign(axes.rbegin(), axes.rend() - 1);
  if (outer_.size() > limits::kMaxRank)
    fail(ErrorCode::InvalidModel, "a tensor has more than ", limits::kMaxRank, " dimensions");
}

} // namespace octet
