// Static quantization: graph → graph with QuantizeLinear/DequantizeLinear pairs (QDQ), whose scales
// come from watching the graph run on samples.
//
//   product(x, w, b) → product(DQ(Q(x)), DQ(w'), DQ(b'))
// with w' of 8 bits and b' int32 of scale x_scale · w_scale; quant/assign.h says which values get a
// pair. As operators on codes, quant/qoperators.h writes the same. Subgraphs are quantized too.
// What no sample has reached stays in float. Activations of 16 bits have no integer products: the
// pairs are all that is written. Under the scheme log2 the pairs are Log2Quantize and
// Log2Dequantize (ops/log2_ops.h), and x_scale is the smallest level. A product whose operand's
// range differs widely from sample to sample is quantized dynamically (quant/dynamic.h), unless the
// options say that all scales are fixed.
#pragma once

#include <memory>

#include "graph/graph.h"
#include "quant/config.h"
#include "quant/quantizer.h"

namespace octet {

// Puts an Observe node wherever a value is going to be quantized; until `finish` the graph only
// serves to be run for calibration. It must outlive the job. Throws InvalidOption.
std::unique_ptr<Quantizer> make_static_quantizer(Graph& graph, QuantizeConfig config);

} // namespace octet
