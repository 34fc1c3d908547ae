// The official ONNX classes, and models in the form that a round trip through Octet gives them.
#pragma once

#include <string>

#include <onnx/onnx_pb.h>

namespace octet::test {

onnx::ModelProto parse_official(const std::string& bytes);
std::string serialize_official(const onnx::ModelProto& model);

// Applies to a model what the headers of the reader and the writer say that they do to it, and
// evens out what has no meaning: fields that are set to their defaults, and the order of
// value_info.
void normalize(onnx::ModelProto& model);

// Empty when the models are equal, unknown fields included; otherwise what differs.
std::string difference(onnx::ModelProto expected, onnx::ModelProto actual);

} // namespace octet::test
