// Reads TensorProto and SparseTensorProto.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/tensor.h"
#include "formats/external_file.h"
#include "formats/wire/message_reader.h"

namespace octet::onnx {

// The bytes that a model is read from.
struct ModelFiles {
  SharedBytes model; // in the heap
  const ExternalFiles& external;
  SharedBytes whole = {}; // when `model` is but the outline of a file outside (see outline.h)
};

struct NamedTensor {
  std::string_view name; // points into the file
  Tensor tensor;
  std::string extra = {}; // fields of the TensorProto that Tensor has no place for, encoded
};

// raw_data and external data stay where they are: the tensor shares ownership of its file. Typed
// fields are decoded to a buffer of their own. Throws InvalidModel naming the tensor.
NamedTensor read_tensor(wire::MessageReader message, const ModelFiles& files);

// The dense form of a sparse tensor. What it has beyond 64 times the bytes of the sparse one comes
// out of `budget`; throws UnsupportedOperator when that is not enough.
NamedTensor read_sparse_tensor(wire::MessageReader message, const ModelFiles& files,
                               size_t& budget);

} // namespace octet::onnx
