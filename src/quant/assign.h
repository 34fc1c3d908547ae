// Decides, from the graph alone, what static quantization makes of each node.
//
//  - Products (Conv, MatMul, Gemm with constant weights) multiply integers.
//  - Carriers are nodes between products that can work on integers as well, so that no value turns
//    real in between. A node is one when all its operands are quantized anyway and somebody reads
//    its result as integers: what feeds float nodes only stays as it is.
//  - Operators that only pick or rearrange elements share the parameters of what they read, and the
//    operands of a Concat share them with one another, so these move codes and never round.
//  - Relu and Clip behind what computes are part of it: the range of the result implies them. A
//    chain of functions of single elements is one function of the first one's operand, and is part
//    of the matrix product that it follows, for what lies between them would lose more to a
//    rounding than it is worth. A convolution's result is rounded before such a chain: only then do
//    other engines multiply integers too (onnxruntime's QLinearConv), and with exact sums all round
//    alike.
// Under the scheme log2 there are no carriers: products read levels, everybody else real values.
// Where operators on codes are written (quant/qoperators.h), only Relu and Clip are part of what
// they follow, as the codes in between are there anyway, and convolutions round their results
// always. Outputs of the graph are never quantized; nothing would read the integers.
#pragma once

#include <string>
#include <unordered_set>
#include <vector>

#include "quant/config.h"
#include "quant/report.h"
#include "quant/scopes.h"

namespace octet {

struct Assignment {
  // A value to quantize; those of one group get the same parameters.
  struct Tap {
    ValueId value;
    size_t group; // 0, 1 … in the order of first taps
    bool is_wide; // with 16 bits, for wide products alone; else for all others
  };
  std::vector<NodeId> products;
  // Of the products those that read a signal as int16 (quant/spectra.h); what they compute is real.
  std::unordered_set<NodeId> wide_products;
  std::vector<Tap> taps;
  // What is left in float on purpose reads real values, not quantized ones.
  std::unordered_set<NodeId> real_readers;
  std::vector<FloatNode> float_nodes;
};

// Whether an operator type has a statically quantized form.
bool is_static_op(std::string_view op_type);

Assignment assign(const GraphScope& scope, const QuantizeConfig& config);

} // namespace octet
