// A file outside of the heap, as the bindings make them of JavaScript's arrays.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "base/buffer.h"

namespace octet::test {

class OutsideFile final : public ByteSource {
public:
  explicit OutsideFile(std::string bytes) : bytes_(std::move(bytes)) {}

  void read(size_t offset, std::span<uint8_t> to) const override {
    std::copy_n(bytes_.data() + offset, to.size(), to.data());
    bytes_read_ += to.size();
  }
  // Since the last call.
  size_t take_bytes_read() const { return std::exchange(bytes_read_, 0); }
  size_t size() const { return bytes_.size(); }

private:
  std::string bytes_;
  mutable size_t bytes_read_ = 0;
};

inline SharedBytes outside(std::string bytes) {
  const size_t size = bytes.size();
  return SharedBytes(std::make_shared<const OutsideFile>(std::move(bytes)), size);
}

} // namespace octet::test
