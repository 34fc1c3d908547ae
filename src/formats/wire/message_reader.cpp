#include "formats/wire/message_reader.h"

namespace octet::wire {

using protozero::pbf_wire_type;

MessageReader::MessageReader(Bytes message, const uint8_t* file)
    : reader_(as_text(message).data(), message.size()), file_(file), start_(message.data()) {}

template <class Take>
auto MessageReader::guarded(Take take) {
  try {
    return take();
  } catch (const protozero::end_of_buffer_exception&) {
    fail_at_field("runs past the end of what contains it: the file is truncated or damaged");
  } catch (const protozero::exception&) {
    fail_at_field("is not a protobuf field: the file is damaged or of another format");
  }
}

void MessageReader::fail_at_field(std::string_view why) const {
  fail(ErrorCode::InvalidModel, "the field at byte ", static_cast<size_t>(start_ - file_), " ",
       why);
}

void MessageReader::expect(pbf_wire_type type) const {
  if (reader_.wire_type() != type)
    fail_at_field(concat("(number ", field(), ") has another wire type than the ONNX schema says"));
}

// protozero compares lengths as ptrdiff_t, which has 32 bits in WebAssembly: there, one of 2 GiB or
// more would pass and lead backwards.
void MessageReader::check_length() const {
  const char* at = as_text(rest()).data();
  const char* const end = at + rest().size();
  if (protozero::decode_varint(&at, end) > static_cast<size_t>(end - at))
    throw protozero::end_of_buffer_exception();
}

bool MessageReader::next() {
  start_ = rest().data();
  return guarded([&] { return reader_.next(); });
}

bool MessageReader::next(uint32_t field) {
  while (next()) {
    if (this->field() == field) return true;
    skip();
  }
  return false;
}

Bytes MessageReader::bytes() {
  expect(pbf_wire_type::length_delimited);
  const protozero::data_view view = guarded([&] {
    check_length();
    return reader_.get_view();
  });
  return as_bytes({view.data(), view.size()});
}

int64_t MessageReader::integer() {
  expect(pbf_wire_type::varint);
  return guarded([&] { return reader_.get_int64(); });
}

float MessageReader::float32() {
  expect(pbf_wire_type::fixed32);
  return guarded([&] { return reader_.get_float(); });
}

void MessageReader::skip() {
  guarded([&] {
    if (reader_.wire_type() == pbf_wire_type::length_delimited) check_length();
    reader_.skip();
  });
}

std::string_view MessageReader::raw() {
  skip();
  return as_text({start_, rest().data()});
}

Bytes MessageReader::varints() {
  if (reader_.wire_type() == pbf_wire_type::length_delimited) return bytes();
  expect(pbf_wire_type::varint);
  const uint8_t* const begin = rest().data();
  skip();
  return {begin, rest().data()};
}

Bytes MessageReader::fixed(size_t width) {
  if (reader_.wire_type() == pbf_wire_type::length_delimited) {
    const Bytes packed = bytes();
    if (packed.size() % width != 0) fail_at_field("is a list that ends inside of a number");
    return packed;
  }
  expect(width == 4 ? pbf_wire_type::fixed32 : pbf_wire_type::fixed64);
  const uint8_t* const begin = rest().data();
  skip();
  return {begin, width};
}

Bytes MessageReader::rest() const {
  const protozero::data_view view = reader_.data();
  return as_bytes({view.data(), view.size()});
}

} // namespace octet::wire
