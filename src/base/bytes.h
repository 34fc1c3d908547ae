// Arithmetic on sizes that come from files: overflow is an error, never a wrap-around.
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

// Of memory: more than there are addresses for is more than there is.
inline size_t checked_room(size_t a, size_t b) {
  size_t out;
  if (__builtin_add_overflow(a, b, &out))
    fail(ErrorCode::OutOfMemory, "cannot allocate ", a, " + ", b, " bytes");
  return out;
}

// Throws InvalidModel naming `what` unless a whole of `size` bytes has `length` ones at `offset`.
inline void check_slice(size_t size, uint64_t offset, uint64_t length, std::string_view what) {
  if (offset > size || length > size - offset)
    fail(ErrorCode::InvalidModel, what, ": bytes ", offset, " to ", offset + length, " of ", size,
         " are not there");
}

} // namespace octet
