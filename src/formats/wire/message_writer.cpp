#include "formats/wire/message_writer.h"

#include <cstring>

#include <protozero/varint.hpp>

namespace octet::wire {

using protozero::pbf_wire_type;

Buffer MessageWriter::allocate() {
  if (size_ > INT32_MAX)
    fail(ErrorCode::InvalidModel, "the model has ", size_,
         " bytes, more than the 2 GiB that its file format allows");
  Buffer out(size_);
  out_ = out.data();
  size_ = 0;
  return out;
}

void MessageWriter::put(const void* data, size_t size) {
  if (out_ && size) std::memcpy(out_ + size_, data, size);
  size_ = checked_add(size_, size);
}

void MessageWriter::varint(uint64_t value) {
  char encoded[protozero::max_varint_length];
  put(encoded, static_cast<size_t>(protozero::add_varint_to_buffer(encoded, value)));
}

void MessageWriter::tag(uint32_t field, pbf_wire_type type) {
  varint(field << 3 | static_cast<uint32_t>(type));
}

void MessageWriter::integer(uint32_t field, int64_t value) {
  tag(field, pbf_wire_type::varint);
  varint(static_cast<uint64_t>(value));
}

void MessageWriter::float32(uint32_t field, float value) {
  tag(field, pbf_wire_type::fixed32);
  put(&value, sizeof value);
}

void MessageWriter::put_length(uint32_t field, size_t size) {
  tag(field, pbf_wire_type::length_delimited);
  varint(size);
}

void MessageWriter::bytes(uint32_t field, Bytes value) {
  put_length(field, value.size());
  put(value.data(), value.size());
}

void MessageWriter::bytes(uint32_t field, const SharedBytes& value) {
  put_length(field, value.size());
  put(out_ ? value.data() : nullptr, value.size());
  value.drop();
}

void MessageWriter::text(uint32_t field, std::string_view value) {
  bytes(field, {reinterpret_cast<const uint8_t*>(value.data()), value.size()});
}

void MessageWriter::raw(std::string_view fields) {
  put(fields.data(), fields.size());
}

size_t MessageWriter::begin(uint32_t field) {
  tag(field, pbf_wire_type::length_delimited);
  if (out_) {
    varint(lengths_[next_length_++]);
    return 0;
  }
  lengths_.push_back(size_);
  return lengths_.size() - 1;
}

void MessageWriter::end(size_t index) {
  if (out_) return;
  lengths_[index] = size_ - lengths_[index];
  varint(lengths_[index]);
}

} // namespace octet::wire
