// Bytes of tensors: owned and aligned, or somebody else's kept alive, or elsewhere until they are
// read.
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

// What yields bytes that are not in the heap: a file outside of it, or a computation. It always
// yields the same ones.
class ByteSource {
public:
  virtual ~ByteSource() = default;
  // Fills `to` with the bytes from `offset` on, which exist.
  virtual void read(size_t offset, std::span<uint8_t> to) const = 0;
  // Whether it computes them of others, so that reading may ask for more reading.
  virtual bool is_computed() const { return false; }
};

// Read-only bytes with shared ownership: a slice of a file in the heap (owner = whatever keeps the
// file alive), a Buffer of our own, or a stretch of a ByteSource. Copies share.
//
// Those of a source come into the heap when they are first read, and stay until `drop`; the next
// reading brings them back. So a pointer to bytes is good until somebody drops them, and whoever
// keeps one for longer than a function call holds them.
class SharedBytes {
public:
  SharedBytes() = default;
  SharedBytes(Bytes bytes, std::shared_ptr<const void> owner)
      : bytes_(bytes), owner_(std::move(owner)) {}
  explicit SharedBytes(Buffer buffer);
  // The first `size` bytes of a source.
  SharedBytes(std::shared_ptr<const ByteSource> source, size_t size);
  // The same, when they are in the heap already.
  SharedBytes(std::shared_ptr<const ByteSource> source, const SharedBytes& loaded);

  const uint8_t* data() const { return stretch_ ? load() : bytes_.data(); }
  size_t size() const { return bytes_.size(); }
  Bytes bytes() const { return {data(), size()}; }

  // `part`, which lies within bytes(), kept alive by the same owner.
  SharedBytes slice(Bytes part) const { return SharedBytes(part, hold()); }
  // The same by position; does not bring anything into the heap.
  SharedBytes part(size_t offset, size_t size) const;

  // Fills `to` with the bytes from `offset` on, which exist; does not bring the others into the
  // heap.
  void read(size_t offset, std::span<uint8_t> to) const;

  // Whether somebody is known to keep the bytes for as long as this lives.
  bool is_owned() const { return owner_ || stretch_; }
  // Whether the bytes come from a source.
  bool is_outside() const { return stretch_ != nullptr; }
  // Whether that source computes them.
  bool is_computed() const;
  // Gives the room of bytes that come from a source back, unless somebody holds them.
  void drop() const;
  // While the result lives, the bytes stay where they are.
  std::shared_ptr<const void> hold() const;
  // An address that copies share, and no other living bytes of the same size have.
  const void* identity() const;

private:
  struct Stretch;
  const uint8_t* load() const;

  Bytes bytes_; // without an address when they come from a source
  std::shared_ptr<const void> owner_;
  std::shared_ptr<Stretch> stretch_;
};

} // namespace octet
