#include "formats/onnx/outline.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>

#include "formats/onnx/onnx_schema.h"
#include "formats/wire/message_reader.h"
#include "formats/wire/message_writer.h"

namespace octet::onnx {
namespace {
using protozero::pbf_wire_type;

struct Field {
  uint32_t number = 0;
  pbf_wire_type type = pbf_wire_type::unknown;
  size_t begin = 0, content = 0, end = 0; // in the file
};

// Reads the heads of fields through a small window, and skips their contents.
class FieldScanner {
public:
  explicit FieldScanner(const SharedBytes& file) : file_(file) {}

  // The field at `begin` in a message that ends at `end`.
  Field field(size_t begin, size_t end) {
    position_ = begin;
    const uint64_t tag = varint();
    Field field{.number = static_cast<uint32_t>(tag >> 3),
                .type = static_cast<pbf_wire_type>(tag & 7),
                .begin = begin};
    const uint64_t length = content_length(field.type);
    field.content = position_;
    if (field.content > end || length > end - field.content) fail_broken();
    field.end = field.content + static_cast<size_t>(length);
    return field;
  }

private:
  [[noreturn]] static void fail_broken() { fail(ErrorCode::InvalidModel, "a field is broken"); }

  // Of what follows where the scanner is then.
  uint64_t content_length(pbf_wire_type type) {
    switch (type) {
    case pbf_wire_type::varint:
      varint();
      return 0;
    case pbf_wire_type::fixed64:
      return 8;
    case pbf_wire_type::fixed32:
      return 4;
    case pbf_wire_type::length_delimited:
      return varint();
    default:
      fail_broken();
    }
  }

  uint64_t varint() {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const uint8_t byte = next();
      value |= uint64_t{byte & 0x7fu} << shift;
      if (byte < 0x80) return value;
    }
    fail_broken();
  }

  uint8_t next() {
    constexpr size_t kWindow = size_t{4} << 10;
    if (position_ >= file_.size()) fail_broken();
    if (position_ < window_begin_ || position_ - window_begin_ >= window_.size()) {
      window_begin_ = position_;
      window_ = file_.part(position_, std::min(kWindow, file_.size() - position_));
    }
    return window_.data()[position_++ - window_begin_];
  }

  const SharedBytes& file_;
  SharedBytes window_;
  size_t window_begin_ = 0, position_ = 0;
};

// The ways through the messages of a model that lead to tensors.
enum class Message : uint8_t { Model, Graph, Node, Attribute, Tensor };
struct Way {
  Message in;
  uint32_t field;
  Message to;
};
constexpr Way kWays[] = {
    {Message::Model, model::kGraph, Message::Graph},
    {Message::Graph, graph::kInitializer, Message::Tensor},
    {Message::Graph, graph::kNode, Message::Node},
    {Message::Node, node::kAttribute, Message::Attribute},
    {Message::Attribute, attribute::kTensor, Message::Tensor},
};

std::string reference_to(const Field& field) {
  return wire::encode_text([&](wire::MessageWriter& writer) {
    const auto add_entry = [&](std::string_view key, std::string_view value) {
      writer.message(tensor::kExternalData, [&] {
        writer.text(entry::kKey, key);
        writer.text(entry::kValue, value);
      });
    };
    add_entry("location", kThisFile);
    add_entry("offset", std::to_string(field.content));
    add_entry("length", std::to_string(field.end - field.content));
    writer.integer(tensor::kDataLocation, 1);
  });
}

class Outliner {
public:
  explicit Outliner(const SharedBytes& file) : file_(file), scanner_(file) {}

  // The message between two positions.
  std::string outline(Message message, size_t begin, size_t end) {
    std::string out;
    size_t copied = begin;
    for (size_t at = begin; at < end;) {
      const Field field = scanner_.field(at, end);
      at = field.end;
      const auto replacement = replace(message, field);
      if (!replacement) continue;
      append(out, copied, field.begin);
      out += *replacement;
      copied = at;
    }
    append(out, copied, end);
    return out;
  }

private:
  // Nothing for a field that stays as it is.
  std::optional<std::string> replace(Message message, const Field& field) {
    if (field.type != pbf_wire_type::length_delimited || field.end - field.content < kLargeTensor)
      return std::nullopt;
    if (message == Message::Tensor && field.number == tensor::kRawData) return reference_to(field);
    for (const Way& way : kWays) {
      if (way.in != message || way.field != field.number) continue;
      const std::string content = outline(way.to, field.content, field.end);
      return wire::encode_text(
          [&](wire::MessageWriter& writer) { writer.text(field.number, content); });
    }
    return std::nullopt;
  }

  void append(std::string& out, size_t begin, size_t end) const {
    out += wire::as_text(file_.part(begin, end - begin).bytes());
  }

  const SharedBytes& file_;
  FieldScanner scanner_;
};
} // namespace

SharedBytes outline_of(const SharedBytes& file) {
  const std::string outline = Outliner(file).outline(Message::Model, 0, file.size());
  Buffer buffer(outline.size());
  std::memcpy(buffer.data(), outline.data(), outline.size());
  return SharedBytes(std::move(buffer));
}

} // namespace octet::onnx
