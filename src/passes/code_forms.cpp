#include "passes/code_forms.h"

#include <algorithm>
#include <string_view>

#include "passes/match.h"

namespace octet {
namespace {
bool has_8_bits(DType type) {
  return type == DType::UInt8 || type == DType::Int8;
}

constexpr std::string_view kMovers[] = {
    "MaxPool", "Reshape", "Flatten", "Squeeze", "Unsqueeze",    "Transpose", "Slice", "Split",
    "Expand",  "Tile",    "Gather",  "Resize",  "DepthToSpace", "Upsample",  "Concat"};
} // namespace

bool moves_elements(const Node& node) {
  if (!node.domain.empty() ||
      std::find(std::begin(kMovers), std::end(kMovers), node.op_type) == std::end(kMovers))
    return false;
  if (node.op_type == "MaxPool") return node.outputs.size() < 2 || !node.outputs[1];
  if (node.op_type == "Resize" || node.op_type == "Upsample")
    return node.attributes.get_string("mode", "nearest") == "nearest";
  return true;
}

size_t moved_inputs(const Node& node) {
  return node.op_type == "Concat" ? node.inputs.size() : 1;
}

std::optional<CodeParams> code_params(const Graph& graph, const Node& node, DType type) {
  const auto scale = scalar_constant(graph, node.inputs[1]);
  if (!scale || !(*scale > 0) || !std::isfinite(*scale) ||
      node.attributes.get_int("block_size", 0) != 0)
    return std::nullopt;
  CodeParams params{.scale = *scale, .type = type};
  if (node.inputs.size() > 2 && node.inputs[2]) {
    const Tensor* zero = graph.constant(node.inputs[2]);
    if (!zero || zero->elements() != 1 || !has_8_bits(zero->dtype())) return std::nullopt;
    params.type = zero->dtype();
    params.zero_point =
        params.type == DType::UInt8 ? zero->values<uint8_t>()[0] : zero->values<int8_t>()[0];
  }
  return has_8_bits(params.type) ? std::optional(params) : std::nullopt;
}

std::vector<float> real_values(const CodeParams& params) {
  std::vector<float> out;
  for (int32_t code = params.low(); code <= params.high(); ++code)
    out.push_back(static_cast<float>(code) * params.scale);
  return out;
}

std::vector<int64_t> codes_of(std::span<const float> values, const CodeParams& params) {
  std::vector<int64_t> out;
  for (float value : values) out.push_back(params.code(value));
  return out;
}

Tensor centred_codes(const Tensor& bytes, const CodeParams& params) {
  std::vector<int16_t> out;
  for (uint8_t byte : std::span(bytes.bytes(), bytes.elements())) {
    const int32_t code = params.type == DType::UInt8 ? byte : static_cast<int8_t>(byte);
    out.push_back(static_cast<int16_t>(code - params.zero_point));
  }
  return Tensor::of<int16_t>(bytes.shape(), out);
}

} // namespace octet
