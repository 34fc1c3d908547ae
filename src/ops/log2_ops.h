// Activations of the scheme log2: what the model functions Log2Quantize and Log2Dequantize of
// domain ai.octet say (formats/onnx/own_functions.h has their bodies in standard operators).
//
//   Log2Quantize(x, zero_point, levels) → codes, Log2Dequantize(codes, zero_point, levels) → real
// `levels` holds 0 and the levels of one sign, consecutive powers of two. A code is zero_point, for
// 0, plus or minus the index of the level of a positive or negative number; kernels/log2/log2.h
// says which level that is. Codes are int8 or uint8; where these have no room below the zero point
// negative numbers become 0.
#pragma once

#include <optional>
#include <string_view>

#include "base/tensor.h"
#include "graph/graph.h"
#include "kernels/log2/log2.h"

namespace octet {

// Domain of the functions that Octet writes into models, and of the operators that they are.
inline constexpr std::string_view kFunctionDomain = "ai.octet";

struct Log2Codes {
  kernels::Log2Levels levels;
  int32_t zero_point = 0;
  DType type = DType::Int8;

  float smallest() const;
};

// Nothing when the operands are not of the form described above: a null is not.
std::optional<Log2Codes> log2_codes(const Tensor* zero_point, const Tensor* levels);
// The same of a node of either operator.
std::optional<Log2Codes> log2_codes(const Graph& graph, const Node& node);

// How many levels of one sign a product of `depth` activations with weights of 8 bits can take, so
// that its sums fit into 32 bits: 2^(count − 1) · 255 · depth < 2^31. At most
// kernels::kMostLog2Levels; 0 for more than 2^23 activations.
int32_t most_log2_levels(size_t depth);

} // namespace octet
