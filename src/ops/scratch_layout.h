// Divides the scratch memory of one run among what needs it.
#pragma once

#include "base/bytes.h"

namespace octet {

// Bytes of scratch memory, made a multiple of 64, so that what follows them is aligned.
inline size_t aligned_scratch(size_t bytes) {
  return checked_room(bytes, 63) / 64 * 64;
}

class ScratchLayout {
public:
  // The offset of `bytes` bytes, a multiple of 64.
  size_t reserve(size_t bytes) {
    const size_t offset = bytes_;
    bytes_ = checked_room(bytes_, aligned_scratch(bytes));
    return offset;
  }
  size_t reserve_floats(size_t count) { return reserve(checked_mul(count, sizeof(float))); }
  // For PrepareContext::request_scratch.
  size_t bytes() const { return bytes_; }

private:
  size_t bytes_ = 0;
};

} // namespace octet
