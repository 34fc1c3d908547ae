// Dynamic quantization: graph → graph. Weights become integers now; activations are measured at
// each run.
//
// Rewrites to standard ONNX, in the form onnxruntime's own tools write and its optimizer knows:
//   MatMul, Gemm → DynamicQuantizeLinear, MatMulInteger, Cast, Mul(a_scale * b_scale), (Add bias)
//   Conv         → DynamicQuantizeLinear, ConvInteger, Cast, Mul, (Add bias)
//   LSTM         → com.microsoft DynamicQuantizeLSTM
// Subgraphs are quantized too. Everything that is not rewritten stays as it was.
#pragma once

#include <memory>

#include "graph/graph.h"
#include "quant/config.h"
#include "quant/quantizer.h"

namespace octet {

// `graph` must outlive the job. Throws InvalidOption.
std::unique_ptr<Quantizer> make_dynamic_quantizer(Graph& graph, QuantizeConfig config);

} // namespace octet
