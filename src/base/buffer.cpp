#include "base/buffer.h"

#include <cstdlib>

namespace octet {

Buffer::Buffer(size_t size) : size_(size) {
  constexpr size_t kAlignment = 64;
  const size_t padded = checked_add(size, kAlignment - 1) / kAlignment * kAlignment;
  data_.reset(static_cast<uint8_t*>(std::aligned_alloc(kAlignment, padded ? padded : kAlignment)));
  if (!data_) fail(ErrorCode::OutOfMemory, "cannot allocate ", size, " bytes");
}

void Buffer::Free::operator()(uint8_t* p) const {
  std::free(p);
}

SharedBytes::SharedBytes(Buffer buffer) {
  auto owner = std::make_shared<const Buffer>(std::move(buffer));
  bytes_ = Bytes(owner->data(), owner->size());
  owner_ = std::move(owner);
}

} // namespace octet
