// Dynamic quantization: graph → graph. Weights become integers now; activations are measured at
// each run.
#pragma once

#include "graph/graph.h"
#include "quant/config.h"
#include "quant/report.h"

namespace octet {

// Rewrites the graph in place to standard ONNX: DynamicQuantizeLinear + MatMulInteger / ConvInteger
// + Cast + Mul (+ Add), and com.microsoft DynamicQuantizeLSTM. Everything that is not rewritten
// stays as it was. Throws InvalidOption, Aborted.
QuantizationReport quantize_dynamic(Graph& graph, const QuantizeConfig& config);

} // namespace octet
