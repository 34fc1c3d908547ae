// Cuts the caller's scratch memory into arrays. Asking for sizes and taking the arrays run the same
// code: a Scratch without memory only counts.
#pragma once

#include <cstddef>
#include <cstdint>

namespace octet::kernels {

class Scratch {
public:
  /// `memory` is 16-byte aligned, or null to count.
  explicit Scratch(void* memory) noexcept : memory_(static_cast<char*>(memory)) {}

  /// The next array, 16-byte aligned; null when counting.
  template <class T>
  T* take(size_t count) noexcept {
    T* array = memory_ ? reinterpret_cast<T*>(memory_ + used_) : nullptr;
    used_ += (count * sizeof(T) + 15) / 16 * 16;
    return array;
  }

  size_t bytes() const noexcept { return used_; }

private:
  char* memory_;
  size_t used_ = 0;
};

} // namespace octet::kernels
