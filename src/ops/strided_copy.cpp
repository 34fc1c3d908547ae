#include "ops/strided_copy.h"

#include <array>
#include <cstring>

#include "base/error.h"
#include "base/limits.h"

namespace octet {

std::vector<ptrdiff_t> dense_strides(const Shape& shape) {
  std::vector<ptrdiff_t> strides(shape.rank());
  ptrdiff_t stride = 1;
  for (size_t i = shape.rank(); i-- > 0;) {
    strides[i] = stride;
    stride *= static_cast<ptrdiff_t>(shape[i]);
  }
  return strides;
}

StridedCopy::StridedCopy(size_t element_bytes, const std::vector<Axis>& axes)
    : unit_bytes_(element_bytes) {
  std::vector<Axis> merged; // innermost first
  for (size_t i = axes.size(); i-- > 0;) {
    const Axis& axis = axes[i];
    if (axis.size == 1) continue;
    if (axis.size == 0) {
      row_.size = 0;
      return;
    }
    const auto continues = [&](const Axis& inner) {
      const auto size = static_cast<ptrdiff_t>(inner.size);
      return axis.from == inner.from * size && axis.to == inner.to * size;
    };
    if (!merged.empty() && continues(merged.back()))
      merged.back().size *= axis.size;
    else
      merged.push_back(axis);
  }
  if (merged.empty()) return;
  const auto bytes = static_cast<ptrdiff_t>(element_bytes);
  size_t next = 0;
  if (merged[0].from == 1 && merged[0].to == 1) unit_bytes_ *= merged[next++].size;
  if (next < merged.size()) {
    row_ = merged[next++];
    row_.from *= bytes, row_.to *= bytes;
  }
  for (size_t i = merged.size(); i-- > next;)
    outer_.push_back({merged[i].size, merged[i].from * bytes, merged[i].to * bytes});
  if (outer_.size() > limits::kMaxRank)
    fail(ErrorCode::InvalidModel, "a tensor has more than ", limits::kMaxRank, " dimensions");
}

namespace {
template <class T>
void copy_elements(const uint8_t* from, ptrdiff_t from_stride, uint8_t* to, ptrdiff_t to_stride,
                   size_t n) noexcept {
  for (size_t i = 0; i < n; ++i, from += from_stride, to += to_stride)
    std::memcpy(to, from, sizeof(T));
}
} // namespace

void StridedCopy::copy_row(const uint8_t* from, uint8_t* to) const noexcept {
  switch (unit_bytes_) {
  case 1:
    return copy_elements<uint8_t>(from, row_.from, to, row_.to, row_.size);
  case 2:
    return copy_elements<uint16_t>(from, row_.from, to, row_.to, row_.size);
  case 4:
    return copy_elements<uint32_t>(from, row_.from, to, row_.to, row_.size);
  case 8:
    return copy_elements<uint64_t>(from, row_.from, to, row_.to, row_.size);
  default:
    for (size_t i = 0; i < row_.size; ++i, from += row_.from, to += row_.to)
      std::memcpy(to, from, unit_bytes_);
  }
}

void StridedCopy::operator()(const void* from, void* to) const noexcept {
  if (row_.size == 0) return;
  auto source = static_cast<const uint8_t*>(from);
  auto target = static_cast<uint8_t*>(to);
  std::array<size_t, limits::kMaxRank> index{};
  for (;;) {
    copy_row(source, target);
    size_t a = outer_.size();
    for (; a-- > 0;) {
      const Axis& axis = outer_[a];
      if (++index[a] < axis.size) {
        source += axis.from, target += axis.to;
        break;
      }
      const auto back = static_cast<ptrdiff_t>(axis.size - 1);
      source -= axis.from * back, target -= axis.to * back;
      index[a] = 0;
    }
    if (a == SIZE_MAX) return;
  }
}

} // namespace octet
