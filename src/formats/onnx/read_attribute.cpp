// The attributes of a node: the part of GraphReader that reads AttributeProto.
#include "base/limits.h"
#include "formats/onnx/onnx_schema.h"
#include "formats/onnx/read_graph.h"
#include "formats/wire/message_writer.h"

namespace octet::onnx {
namespace {
using wire::MessageReader;
using wire::MessageWriter;

struct Header {
  std::string_view name, reference;
  int64_t kind = 0;
};

// The kinds up to Graphs are numbered like the fields that hold them, but for one.
constexpr uint32_t value_field(AttributeKind kind) {
  return static_cast<uint32_t>(kind) + 1;
}
static_assert(value_field(AttributeKind::Float) == attribute::kFloat &&
              value_field(AttributeKind::Graphs) == attribute::kGraphs);

bool is_modelled(int64_t kind) {
  return kind >= static_cast<int64_t>(AttributeKind::Float) &&
         kind <= static_cast<int64_t>(AttributeKind::Graphs);
}

// Files of the first IR versions have no type: it follows from the field that has a value.
Header read_header(MessageReader message) {
  Header out;
  int64_t implied = 0;
  while (message.next()) {
    switch (const uint32_t field = message.field()) {
    case attribute::kName:
      out.name = message.text();
      break;
    case attribute::kRefName:
      out.reference = message.text();
      break;
    case attribute::kType:
      out.kind = message.integer();
      break;
    default:
      if (is_modelled(static_cast<int64_t>(field) - 1)) implied = static_cast<int64_t>(field) - 1;
      message.skip();
    }
  }
  if (out.name.empty()) fail(ErrorCode::InvalidModel, "an attribute has no name");
  if (out.kind == 0) out.kind = implied;
  return out;
}

std::string without_name(MessageReader message) {
  std::string out;
  while (message.next())
    if (message.field() == attribute::kName)
      message.skip();
    else
      out += message.raw();
  return out;
}

void add_tensor_remainder(uint32_t field, const NamedTensor& tensor, std::string& extra) {
  extra += wire::encode_text([&](MessageWriter& writer) {
    writer.message(field, [&] {
      if (!tensor.name.empty()) writer.text(tensor::kName, tensor.name);
      writer.raw(tensor.extra);
    });
  });
}

// Bytes that a copy of the value takes; tensors are shared.
size_t copied_bytes(const AttributeValue& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return text->size();
  if (const auto* opaque = std::get_if<Opaque>(&value)) return opaque->encoded.size();
  if (const auto* ints = std::get_if<std::vector<int64_t>>(&value))
    return ints->size() * sizeof(int64_t);
  if (const auto* floats = std::get_if<std::vector<float>>(&value))
    return floats->size() * sizeof(float);
  if (const auto* tensors = std::get_if<std::vector<Tensor>>(&value))
    return tensors->size() * sizeof(Tensor);
  size_t bytes = sizeof value;
  if (const auto* strings = std::get_if<std::vector<std::string>>(&value))
    for (const std::string& string : *strings) bytes += sizeof string + string.size();
  return bytes;
}

AttributeValue empty_value(AttributeKind kind) {
  switch (kind) {
  case AttributeKind::Float:
    return 0.0f;
  case AttributeKind::Int:
    return int64_t{0};
  case AttributeKind::String:
    return std::string();
  case AttributeKind::Tensor:
    return Tensor();
  case AttributeKind::Graph:
    return std::shared_ptr<Graph>();
  case AttributeKind::Floats:
    return std::vector<float>();
  case AttributeKind::Ints:
    return std::vector<int64_t>();
  case AttributeKind::Strings:
    return std::vector<std::string>();
  case AttributeKind::Tensors:
    return std::vector<Tensor>();
  default:
    return std::vector<std::shared_ptr<Graph>>();
  }
}

void append_floats(Bytes values, std::vector<float>& list) {
  const size_t count = list.size();
  list.resize(count + values.size() / sizeof(float));
  if (!values.empty()) std::memcpy(&list[count], values.data(), values.size());
}
} // namespace

void GraphReader::read_attribute(MessageReader message, Node& node, Site& site) {
  const Header header = read_header(message);
  if (node.attributes.has(header.name))
    fail(ErrorCode::InvalidModel, "attribute '", header.name, "' is there twice");
  if (!header.reference.empty()) {
    const Call* call = site.scope.call;
    if (!call)
      fail(ErrorCode::InvalidModel, "attribute '", header.name,
           "' refers to an attribute outside of a function");
    if (const AttributeValue* value = call->attributes.find(header.reference)) {
      charge_expansion(copied_bytes(*value));
      node.attributes.set(header.name, *value);
    }
    return;
  }
  if (!is_modelled(header.kind)) {
    node.attributes.set(header.name, Opaque{without_name(message)});
    return;
  }
  std::string extra;
  try {
    node.attributes.set(header.name,
                        read_value(message, static_cast<AttributeKind>(header.kind), site, extra));
  } catch (const Error& error) {
    fail(error.code(), "attribute '", header.name, "': ", error.message());
  }
  if (extra.empty()) return;
  node.extra += wire::encode_text([&](MessageWriter& writer) {
    writer.message(node::kAttribute, [&] {
      writer.text(attribute::kName, header.name);
      writer.raw(extra);
    });
  });
}

AttributeValue GraphReader::read_value(MessageReader message, AttributeKind kind, Site& site,
                                       std::string& extra) {
  AttributeValue out = empty_value(kind);
  bool present = false;
  while (message.next()) {
    const uint32_t field = message.field();
    if (field == attribute::kName || field == attribute::kType)
      message.skip();
    else if (field != value_field(kind))
      extra += message.raw();
    else {
      if (present && (kind == AttributeKind::Tensor || kind == AttributeKind::Graph))
        fail(ErrorCode::InvalidModel, "it has two values");
      read_value_field(message, out, site, extra);
      present = true;
    }
  }
  if (!present && (kind == AttributeKind::Tensor || kind == AttributeKind::Graph))
    fail(ErrorCode::InvalidModel, "it has no value");
  return out;
}

void GraphReader::read_value_field(MessageReader& message, AttributeValue& out, Site& site,
                                   std::string& extra) {
  const uint32_t field = message.field();
  const auto take_tensor = [&] {
    const NamedTensor tensor = read_tensor(message.message(), context_.files);
    if (field == attribute::kTensors || !tensor.name.empty() || !tensor.extra.empty())
      add_tensor_remainder(field, tensor, extra);
    return tensor.tensor;
  };
  switch (field) {
  case attribute::kFloat:
    out = message.float32();
    break;
  case attribute::kInt:
    out = message.integer();
    break;
  case attribute::kString:
    out = std::string(message.text());
    break;
  case attribute::kTensor:
    out = take_tensor();
    break;
  case attribute::kGraph:
    out = read_subgraph(message.message(), site);
    break;
  case attribute::kFloats:
    append_floats(message.fixed(sizeof(float)), std::get<std::vector<float>>(out));
    break;
  case attribute::kInts:
    wire::for_each_varint(message.varints(), [&](uint64_t value) {
      std::get<std::vector<int64_t>>(out).push_back(static_cast<int64_t>(value));
    });
    break;
  case attribute::kStrings:
    std::get<std::vector<std::string>>(out).emplace_back(message.text());
    break;
  case attribute::kTensors:
    std::get<std::vector<Tensor>>(out).push_back(take_tensor());
    break;
  case attribute::kGraphs:
    std::get<std::vector<std::shared_ptr<Graph>>>(out).push_back(
        read_subgraph(message.message(), site));
    break;
  }
}

} // namespace octet::onnx
