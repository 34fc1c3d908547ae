// Writes protobuf messages into one allocation of exactly the right size, and large bytes not at
// all: what comes out is a list of pieces, some of them the very bytes that were to be written.
//
// A nested message is preceded by its length, so the same emission runs twice: the first time it
// measures, and remembers the length of every nested message; the second time it writes. Nothing is
// moved or copied twice, which matters when a model is most of the memory there is. The emission
// must be deterministic.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <protozero/types.hpp>

#include "base/buffer.h"

namespace octet::wire {

class MessageWriter {
public:
  void integer(uint32_t field, int64_t value);
  void float32(uint32_t field, float value);
  void bytes(uint32_t field, Bytes value);
  // Large ones become pieces of their own; those from outside of the heap come in with these.
  void bytes(uint32_t field, const SharedBytes& value);
  void text(uint32_t field, std::string_view value);
  // Fields that are encoded already.
  void raw(std::string_view fields);
  // A nested message; emit() writes its fields.
  template <class Emit>
  void message(uint32_t field, Emit emit) {
    const size_t index = begin(field);
    emit();
    end(index);
  }

private:
  template <class Emit>
  friend std::vector<SharedBytes> encode_in_pieces(Emit emit);

  // Ends the measuring. Throws InvalidModel when the message is larger than protobuf allows (2
  // GiB).
  void allocate();
  // Ends the writing.
  std::vector<SharedBytes> take();
  // What was written since the last piece.
  void end_piece();
  size_t begin(uint32_t field);
  void end(size_t index);
  void tag(uint32_t field, protozero::pbf_wire_type type);
  void varint(uint64_t value);
  void put(const void* data, size_t size);
  void put_length(uint32_t field, size_t size);

  std::vector<size_t> lengths_; // of nested messages, in order of their beginnings
  size_t next_length_ = 0;
  size_t size_ = 0;        // bytes so far
  size_t apart_ = 0;       // those of them that are pieces of their own
  SharedBytes together_;   // all the others
  uint8_t* out_ = nullptr; // where the next of these goes; null while measuring
  const uint8_t* piece_begin_ = nullptr;
  std::vector<SharedBytes> pieces_;
};

// The message whose fields emit(MessageWriter&) writes, in pieces of some MB at most.
template <class Emit>
std::vector<SharedBytes> encode_in_pieces(Emit emit) {
  MessageWriter writer;
  emit(writer);
  writer.allocate();
  emit(writer);
  return writer.take();
}

// All of them in a row. What comes from outside of the heap leaves it again.
Buffer join(std::span<const SharedBytes> pieces);

// For small messages that are kept inside others.
template <class Emit>
std::string encode_text(Emit emit) {
  const Buffer buffer = join(encode_in_pieces(emit));
  return std::string(reinterpret_cast<const char*>(buffer.data()), buffer.size());
}

} // namespace octet::wire
