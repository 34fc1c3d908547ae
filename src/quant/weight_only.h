// Weight-only quantization: weights become small now, and every operator computes in float.
//
//   int8, uint8, int4, uint4:
//     MatMul, Gemm → com.microsoft MatMulNBits; Gather → com.microsoft GatherBlockQuantized, both
//       in blocks along the reduction or the row; or DequantizeLinear with a block size before them
//     Conv → DequantizeLinear per output channel; with 4 bits, in blocks along the input channels
//       where there are enough of these. Convolutions of one input channel per group take 8 bits:
//       a scale for so few weights leaves nothing to save.
//   float16: constants of half the size, with a Cast to float behind them (behind a Gather)
//
// With samples the report tells what rounding does to each product's results, and the method gptq
// chooses codes by that. Subgraphs are quantized too. Everything else stays as it was.
#pragma once

#include <memory>

#include "graph/graph.h"
#include "quant/config.h"
#include "quant/quantizer.h"

namespace octet {

// The version of the operator set that the result of quantizing `graph` needs.
int64_t weight_only_opset(Graph& graph, const QuantizeConfig& config);

// `graph` must outlive the job. Throws InvalidOption.
std::unique_ptr<Quantizer> make_weight_only_quantizer(Graph& graph, QuantizeConfig config);

} // namespace octet
