#include "ops/check_operators.h"

#include <algorithm>

#include "base/error.h"
#include "ops/attribute_types.h"
#include "ops/registry.h"

namespace octet {
namespace {

// The ONNX operator specification's numbers of required inputs, where they are not 1.
struct RequiredInputs {
  std::string_view op_type;
  size_t count;
  // Bit i: of these, input i may be left out all the same.
  uint32_t optional = 0;
};
constexpr RequiredInputs kRequired[] = {
    {"Constant", 0},
    {"Loop", 0},
    {"MaxUnpool", 2},
    {"DeformConv", 3},
    {"GridSample", 2},
    {"RoiAlign", 3},
    {"MaxRoiPool", 2},
    {"Col2Im", 3},
    {"AffineGrid", 2},
    {"CenterCropPad", 2},
    {"Scan", 0},
    {"SequenceEmpty", 0},
    {"SequenceInsert", 2},
    {"SequenceAt", 2},
    {"Optional", 0},
    {"OptionalHasElement", 0},
    {"OptionalGetElement", 0},
    {"Add", 2},
    {"Sub", 2},
    {"Mul", 2},
    {"Div", 2},
    {"Mod", 2},
    {"Pow", 2},
    {"PRelu", 2},
    {"Equal", 2},
    {"Greater", 2},
    {"Less", 2},
    {"GreaterOrEqual", 2},
    {"LessOrEqual", 2},
    {"And", 2},
    {"Or", 2},
    {"Xor", 2},
    {"BitwiseAnd", 2},
    {"BitwiseOr", 2},
    {"BitwiseXor", 2},
    {"BitShift", 2},
    {"Where", 3},
    {"MatMul", 2},
    {"Gemm", 2},
    {"Conv", 2},
    {"ConvTranspose", 2},
    {"MatMulInteger", 2},
    {"ConvInteger", 2},
    {"QLinearMatMul", 8},
    {"QLinearConv", 8},
    {"QuantizeLinear", 2},
    {"DequantizeLinear", 2},
    {"Log2Quantize", 3},
    {"Log2Dequantize", 3},
    {"BatchNormalization", 5},
    {"InstanceNormalization", 3},
    {"GroupNormalization", 3},
    {"LayerNormalization", 2},
    {"RMSNormalization", 2},
    {"Gather", 2},
    {"LSTM", 3},
    {"GRU", 3},
    {"Attention", 2},
    {"FlexAttention", 3},
    {"RotaryEmbedding", 3},
    {"LinearAttention", 3},
    {"CausalConvWithState", 2},
    {"TensorScatter", 2},
    {"SwiGLU", 2},
    {"SimplifiedLayerNormalization", 2},
    {"SkipLayerNormalization", 3},
    {"SkipSimplifiedLayerNormalization", 3},
    {"EmbedLayerNormalization", 1},
    {"BiasGelu", 2},
    {"BiasAdd", 3},
    {"BiasSplitGelu", 2},
    {"FusedMatMul", 2},
    {"TransposeMatMul", 2},
    {"MoE", 3},
    {"QMoE", 4},
    {"QGemm", 6},
    {"QLinearAdd", 7, 0b100100},
    {"QLinearMul", 7, 0b100100},
    {"QLinearConcat", 4, 0b10},
    {"QLinearWhere", 8, 0b1001000},
    {"QLinearSigmoid", 4, 0b100},
    {"QLinearLeakyRelu", 4, 0b100},
    {"QLinearSoftmax", 4, 0b100},
    {"QLinearReduceMean", 4, 0b100},
    {"QLinearAveragePool", 4, 0b100},
    {"QLinearGlobalAveragePool", 4, 0b100},
    {"FusedConv", 2},
    {"FusedGemm", 2},
    {"ConvTransposeWithDynamicPads", 2},
    {"DynamicQuantizeMatMul", 3},
    {"MatMulBnb4", 3},
    {"MatMulIntegerToFloat", 4},
    {"QAttention", 5},
    {"GroupNorm", 3},
    {"RNN", 3},
    {"CumSum", 2},
    {"CumProd", 2},
    {"NegativeLogLikelihoodLoss", 2},
    {"SoftmaxCrossEntropyLoss", 2},
    {"Compress", 2},
    {"ReverseSequence", 2},
    {"NonMaxSuppression", 2},
    {"RandomNormal", 0},
    {"RandomUniform", 0},
    {"STFT", 2},
    {"MelWeightMatrix", 5},
    {"StringConcat", 2},
    {"ArrayFeatureExtractor", 2},
    {"Adagrad", 3},
    {"Adam", 3},
    {"Momentum", 3},
};

RequiredInputs required_inputs(const Node& node) {
  if (!find_op(node.domain, node.op_type)) return {node.op_type, 0};
  const auto found = std::find_if(std::begin(kRequired), std::end(kRequired),
                                  [&](const auto& row) { return row.op_type == node.op_type; });
  return found == std::end(kRequired) ? RequiredInputs{node.op_type, 1} : *found;
}

void check_node(const Node& node) {
  if (node.domain == kLoweredDomain) refuse_operator(node);
  if (find_op(node.domain, node.op_type)) check_attribute_types(node);
  const RequiredInputs required = required_inputs(node);
  for (size_t i = 0; i < required.count; ++i)
    if (!node.input(i) && (required.optional >> i & 1) == 0)
      fail(ErrorCode::InvalidModel, node.op_type, " '", node.name, "': input ", i, " is missing");
  if (node.outputs.empty())
    fail(ErrorCode::InvalidModel, node.op_type, " '", node.name, "' has no output");
}

} // namespace

void check_operators(const Graph& graph) {
  for (NodeId id : graph.nodes()) {
    const Node& node = graph.node(id);
    check_node(node);
    for (const auto& subgraph : subgraphs_of(node.attributes)) check_operators(*subgraph);
  }
}

} // namespace octet
