// Reads one protobuf message of an untrusted file, field by field, without copying.
//
// A thin layer over protozero that turns every fault (a length past the end, a wrong wire type, a
// varint too long) into an InvalidModel error that says at which byte of the file it is. Readers
// are cheap to copy; they and all views they hand out point into the file. Source:
// protobuf.dev/programming-guides/encoding
#pragma once

#include <cstring>
#include <string_view>

#include <protozero/pbf_reader.hpp>

#include "base/bytes.h"

namespace octet::wire {

inline std::string_view as_text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline Bytes as_bytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

class MessageReader {
public:
  // `message` lies in a file whose first byte is at `file`.
  MessageReader(Bytes message, const uint8_t* file);
  // A message that stands alone.
  explicit MessageReader(Bytes message) : MessageReader(message, message.data()) {}

  // Moves to the next field. Exactly one of the calls below must then take the field's value.
  bool next();
  uint32_t field() const { return reader_.tag(); }
  // Moves to the next field of that number and skips the others.
  bool next(uint32_t field);

  MessageReader message() { return MessageReader(bytes(), file_); }
  Bytes bytes();
  std::string_view text() { return as_text(bytes()); }
  int64_t integer();
  float float32();
  void skip();
  // The whole field with its tag, as it stands in the file.
  std::string_view raw();

  // The values of a repeated number, packed or not: concatenated varints (for `for_each_varint`),
  // or as many little-endian numbers of `width` bytes (4 or 8).
  Bytes varints();
  Bytes fixed(size_t width);

  // Bytes of the message that are not read yet.
  Bytes rest() const;

private:
  template <class Take>
  auto guarded(Take take);
  void check_length() const;
  void expect(protozero::pbf_wire_type type) const;
  [[noreturn]] void fail_at_field(std::string_view why) const;

  protozero::pbf_reader reader_;
  const uint8_t* file_;
  const uint8_t* start_; // of the current field's tag
};

// Calls sink(uint64_t) for each of concatenated varints.
template <class Sink>
void for_each_varint(Bytes varints, Sink sink) {
  const char* at = as_text(varints).data();
  const char* const end = at + varints.size();
  while (at != end) {
    uint64_t value;
    try {
      value = protozero::decode_varint(&at, end);
    } catch (const protozero::exception&) {
      fail(ErrorCode::InvalidModel, "a list of integers is broken");
    }
    sink(value);
  }
}

} // namespace octet::wire
