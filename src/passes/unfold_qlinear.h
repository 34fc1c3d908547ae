#pragma once

#include "graph/graph.h"

namespace octet {

// Spells ONNX's QLinearConv and QLinearMatMul, and what moves or clips codes behind them, as float
// operators between DequantizeLinear and QuantizeLinear, as passes/spell_out does onnxruntime's, so
// that fold_qdq and chain_codes see one spelling. The two have kernels, and keep their own spelling
// where these passes would leave them to float ones.
void unfold_qlinear(Graph& graph);

} // namespace octet
