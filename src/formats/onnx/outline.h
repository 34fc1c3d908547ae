// Reads a large ONNX file that is outside of the heap without bringing its weights in.
//
// The outline of such a file is the same model in the heap, but for the large tensors of
// initializers and Constants: where raw_data was, there is a reference in the form that ONNX has
// for data in other files, with kThisFile as the location.
#pragma once

#include <string_view>

#include "base/buffer.h"

namespace octet::onnx {

// Not a path that a model may name: locations with colons are refused.
inline constexpr std::string_view kThisFile = ":this file";

// Tensors of as many bytes stay outside.
inline constexpr size_t kLargeTensor = size_t{32} << 10;

// `file` is outside of the heap. Throws InvalidModel when it is not well formed, without saying
// where: that is for a reader of the whole file.
SharedBytes outline_of(const SharedBytes& file);

} // namespace octet::onnx
