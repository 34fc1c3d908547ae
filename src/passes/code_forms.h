// What chain_codes knows of float values: the codes behind them, and which are functions of one
// code.
#pragma once

#include <cmath>
#include <optional>
#include <span>
#include <vector>

#include "graph/graph.h"

namespace octet {

// 8-bit quantization under one scale.
struct CodeParams {
  float scale = 1;
  int32_t zero_point = 0;
  DType type = DType::UInt8;

  // Bounds of the codes, which are relative to the zero point.
  int32_t low() const { return (type == DType::UInt8 ? 0 : -128) - zero_point; }
  int32_t high() const { return low() + 255; }

  // As QuantizeLinear rounds.
  int32_t code(float x) const {
    const float q = x / scale;
    if (!(q > static_cast<float>(low()))) return low();
    return q < static_cast<float>(high()) ? static_cast<int32_t>(std::nearbyint(q)) : high();
  }

  // Codes of one mean the same numbers as codes of the other, and have the same bounds.
  bool same_codes(const CodeParams& other) const {
    return scale == other.scale && low() == other.low();
  }
  // Bytes of one have the same codes as bytes of the other.
  bool same_bytes(const CodeParams& other) const {
    return type == other.type && zero_point == other.zero_point;
  }
};

// The parameters of a QuantizeLinear or DequantizeLinear: nothing when they are not constants for
// 8 bits. `type` is that of the codes where there is no zero point.
std::optional<CodeParams> code_params(const Graph& graph, const Node& node, DType type);

// Whether the outputs of a node hold elements of its first moved_inputs(node) operands, whatever
// these are.
bool moves_elements(const Node& node);
size_t moved_inputs(const Node& node);

// A float value as codes; at least one of `bytes` and `codes` is there.
struct CodeForm {
  ValueId bytes = {}, codes = {}, scale = {}; // scale: the constant
  CodeParams params = {};
};

// A float value whose elements are a function of codes: its values for all of these, from
// root.params.low() on.
struct CodeFunction {
  CodeForm root;
  std::vector<float> values;
};

// What the codes stand for, from low() to high().
std::vector<float> real_values(const CodeParams& params);
std::vector<int64_t> codes_of(std::span<const float> values, const CodeParams& params);
// Codes of a constant.
Tensor centred_codes(const Tensor& bytes, const CodeParams& params);

} // namespace octet
