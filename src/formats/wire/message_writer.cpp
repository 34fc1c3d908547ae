#include "formats/wire/message_writer.h"

#include <algorithm>
#include <cstring>

#include <protozero/varint.hpp>

namespace octet::wire {

using protozero::pbf_wire_type;

namespace {
// Bytes that become pieces of their own, and the size of these.
constexpr size_t kApart = size_t{1} << 16, kPiece = size_t{1} << 23;
} // namespace

void MessageWriter::allocate() {
  if (size_ > INT32_MAX)
    fail(ErrorCode::InvalidModel, "the model has ", size_,
         " bytes, more than the 2 GiB that its file format allows");
  Buffer buffer(size_ - apart_);
  out_ = buffer.data();
  piece_begin_ = out_;
  together_ = SharedBytes(std::move(buffer));
  size_ = 0;
}

std::vector<SharedBytes> MessageWriter::take() {
  end_piece();
  return std::move(pieces_);
}

void MessageWriter::end_piece() {
  if (out_ != piece_begin_) pieces_.push_back(together_.slice({piece_begin_, out_}));
  piece_begin_ = out_;
}

void MessageWriter::put(const void* data, size_t size) {
  if (out_ && size) {
    std::memcpy(out_, data, size);
    out_ += size;
  }
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
  const size_t size = value.size();
  put_length(field, size);
  if (size < kApart) {
    put(out_ ? value.data() : nullptr, size);
    value.drop();
    return;
  }
  size_ = checked_add(size_, size);
  if (!out_) {
    apart_ += size;
    return;
  }
  end_piece();
  const size_t piece = value.is_computed() ? size : kPiece;
  for (size_t begin = 0; begin < size; begin += piece)
    pieces_.push_back(value.part(begin, std::min(piece, size - begin)));
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

Buffer join(std::span<const SharedBytes> pieces) {
  size_t size = 0;
  for (const SharedBytes& piece : pieces) size = checked_add(size, piece.size());
  Buffer out(size);
  uint8_t* to = out.data();
  for (const SharedBytes& piece : pieces) {
    to = std::copy_n(piece.data(), piece.size(), to);
    piece.drop();
  }
  return out;
}

} // namespace octet::wire
