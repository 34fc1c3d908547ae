#include "base/shape.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/error.h"

namespace octet {

bool Shape::is_concrete() const {
  return std::all_of(dims_.begin(), dims_.end(), [](int64_t d) { return d >= 0; });
}

size_t Shape::elements() const {
  return elements(0, dims_.size());
}

size_t Shape::elements(size_t begin, size_t end) const {
  size_t count = 1;
  for (size_t i = begin; i < end; ++i) {
    if (dims_[i] < 0) fail(ErrorCode::InvalidModel, "shape ", to_string(*this), " is not concrete");
    if (static_cast<uint64_t>(dims_[i]) > SIZE_MAX)
      fail(ErrorCode::InvalidModel, "shape ", to_string(*this), " is too large");
    count = checked_mul(count, static_cast<size_t>(dims_[i]));
  }
  return count;
}

std::string to_string(const Shape& shape) {
  std::string out = "[";
  for (size_t i = 0; i < shape.rank(); ++i) {
    if (i) out += ", ";
    out += shape[i] == kDynamicDim ? "?" : std::to_string(shape[i]);
  }
  return out + "]";
}

Shape broadcast_shapes(const Shape& a, const Shape& b) {
  const Shape& longer = a.rank() >= b.rank() ? a : b;
  const Shape& shorter = a.rank() >= b.rank() ? b : a;
  Shape out = longer;
  const size_t lead = longer.rank() - shorter.rank();
  for (size_t i = 0; i < shorter.rank(); ++i) {
    const int64_t x = longer[lead + i], y = shorter[i];
    if (x != y && x != 1 && y != 1)
      fail(ErrorCode::InvalidInput, "shapes ", to_string(a), " and ", to_string(b),
           " do not broadcast together");
    out[lead + i] = x == 1 ? y : x;
  }
  return out;
}

size_t normalize_axis(int64_t axis, size_t rank, const char* what) {
  const auto signed_rank = static_cast<int64_t>(rank);
  if (axis < -signed_rank || axis >= signed_rank)
    fail(ErrorCode::InvalidModel, what, ": axis ", axis, " is outside of rank ", rank);
  return static_cast<size_t>(axis < 0 ? axis + signed_rank : axis);
}

} // namespace octet
