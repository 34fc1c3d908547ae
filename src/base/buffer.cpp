#include "base/buffer.h"

#include <algorithm>
#include <cstdlib>

namespace octet {

Buffer::Buffer(size_t size) : size_(size) {
  constexpr size_t kAlignment = 64;
  const size_t padded = checked_room(size, kAlignment - 1) / kAlignment * kAlignment;
  data_.reset(static_cast<uint8_t*>(std::aligned_alloc(kAlignment, padded ? padded : kAlignment)));
  if (!data_) fail(ErrorCode::OutOfMemory, "cannot allocate ", size, " bytes");
}

void Buffer::Free::operator()(uint8_t* p) const {
  std::free(p);
}

struct SharedBytes::Stretch {
  std::shared_ptr<const ByteSource> source;
  size_t offset = 0;
  std::shared_ptr<const void> loaded = {}; // the owner of the bytes, until dropped
  std::weak_ptr<const void> held = {};     // the same, or what others hold after that
  const uint8_t* address = nullptr;
};

SharedBytes::SharedBytes(Buffer buffer) {
  auto owner = std::make_shared<const Buffer>(std::move(buffer));
  bytes_ = Bytes(owner->data(), owner->size());
  owner_ = std::move(owner);
}

SharedBytes::SharedBytes(std::shared_ptr<const ByteSource> source, size_t size)
    : bytes_(static_cast<const uint8_t*>(nullptr), size),
      stretch_(std::make_shared<Stretch>(Stretch{.source = std::move(source)})) {}

SharedBytes::SharedBytes(std::shared_ptr<const ByteSource> source, const SharedBytes& loaded)
    : SharedBytes(std::move(source), loaded.size()) {
  stretch_->loaded = loaded.hold();
  stretch_->held = stretch_->loaded;
  stretch_->address = loaded.data();
}

const uint8_t* SharedBytes::load() const {
  if (!stretch_->loaded) stretch_->loaded = stretch_->held.lock();
  if (!stretch_->loaded) {
    Buffer buffer(size());
    stretch_->source->read(stretch_->offset, {buffer.data(), buffer.size()});
    stretch_->address = buffer.data();
    stretch_->loaded = std::make_shared<const Buffer>(std::move(buffer));
    stretch_->held = stretch_->loaded;
  }
  return stretch_->address;
}

SharedBytes SharedBytes::part(size_t offset, size_t size) const {
  if (!stretch_) return slice(bytes_.subspan(offset, size));
  SharedBytes out(stretch_->source, size);
  out.stretch_->offset = stretch_->offset + offset;
  return out;
}

void SharedBytes::read(size_t offset, std::span<uint8_t> to) const {
  if (stretch_ && stretch_->held.expired())
    stretch_->source->read(stretch_->offset + offset, to);
  else
    std::copy_n(data() + offset, to.size(), to.data());
}

bool SharedBytes::is_computed() const {
  return stretch_ && stretch_->source->is_computed();
}

void SharedBytes::drop() const {
  if (stretch_) stretch_->loaded.reset();
}

std::shared_ptr<const void> SharedBytes::hold() const {
  if (!stretch_) return owner_;
  load();
  return stretch_->loaded;
}

const void* SharedBytes::identity() const {
  return stretch_ ? static_cast<const void*>(stretch_.get()) : bytes_.data();
}

} // namespace octet
