// Bytes of tensors: owned and aligned, or somebody else's kept alive.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/bytes.h"

namespace octet {

// Owns `size` bytes at 64-byte alignment, uninitialized. Throws OutOfMemory. Movable, not copyable.
class Buffer {
public:
  Buffer() = default;
  explicit Buffer(size_t size);

  uint8_t* data() { return data_.get(); }
  const uint8_t* data() const { return data_.get(); }
  size_t size() const { return size_; }

private:
  struct Free {
    void operator()(uint8_t* p) const;
  };
  std::unique_ptr<uint8_t, Free> data_;
  size_t size_ = 0;
};

// Read-only bytes with shared ownership: a slice of the caller's file (owner = whatever keeps the
// file alive) or a Buffer of our own. Copies share; nothing is ever copied byte by byte.
class SharedBytes {
public:
  SharedBytes() = default;
  SharedBytes(Bytes bytes, std::shared_ptr<const void> owner)
      : bytes_(bytes), owner_(std::move(owner)) {}
  explicit SharedBytes(Buffer buffer);

  const uint8_t* data() const { return bytes_.data(); }
  size_t size() const { return bytes_.size(); }
  Bytes bytes() const { return bytes_; }
  // `part`, which lies within bytes(), kept alive by the same owner.
  SharedBytes slice(Bytes part) const { return SharedBytes(part, owner_); }

private:
  Bytes bytes_;
  std::shared_ptr<const void> owner_;
};

} // namespace octet
