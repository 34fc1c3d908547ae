// Arithmetic on sizes that come from files: overflow is an error of the model, never a wrap-around.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/error.h"

namespace octet {

using Bytes = std::span<const uint8_t>;

inline size_t checked_mul(size_t a, size_t b) {
  size_t out;
  if (__builtin_mul_overflow(a, b, &out))
    fail(ErrorCode::InvalidModel, "a size overflows: ", a, " * ", b);
  return out;
}

inline size_t checked_add(size_t a, size_t b) {
  size_t out;
  if (__builtin_add_overflow(a, b, &out))
    fail(ErrorCode::InvalidModel, "a size overflows: ", a, " + ", b);
  return out;
}

// The `length` bytes of `whole` at `offset`; throws InvalidModel naming `what` when they are not
// there.
inline Bytes checked_slice(Bytes whole, uint64_t offset, uint64_t length, std::string_view what) {
  if (offset > whole.size() || length > whole.size() - offset)
    fail(ErrorCode::InvalidModel, what, ": bytes ", offset, " to ", offset + length, " of ",
         whole.size(), " are not there");
  return whole.subspan(static_cast<size_t>(offset), static_cast<size_t>(length));
}

} // namespace octet
