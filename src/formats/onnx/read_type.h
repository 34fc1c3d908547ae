// Reads ValueInfoProto: the name and type of a value.
#pragma once

#include <string>
#include <string_view>

#include "formats/wire/message_reader.h"
#include "graph/graph.h"

namespace octet::onnx {

inline bool is_declared(const TensorType& type) {
  return type.dtype != DType::Undefined || type.shape;
}

// Reads a TypeProto into `type`. Returns whether TensorType says all of it: false for sequences,
// maps and optionals (then nothing is read), for denotations and for what this schema does not
// know.
bool read_type(wire::MessageReader message, TensorType& type);

struct ValueInfo {
  std::string_view name; // points into the file
  TensorType type = {};
  // The other fields, encoded; the type as well when TensorType does not say all of it.
  std::string extra = {};
  std::string_view field = {}; // the whole encoded field, where the caller needs it
};

// Throws InvalidModel naming the value.
ValueInfo read_value_info(wire::MessageReader message);

} // namespace octet::onnx
