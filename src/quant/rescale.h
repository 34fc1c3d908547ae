// Moves scales between the nodes of a float network, so that it loses less when it is quantized.
// What it computes stays the same, but for float rounding.
//
//  - Cross-layer equalization: Nagel, van Baalen, Blankevoort, Welling, Data-Free Quantization
//    through Weight Equalization and Bias Correction, arXiv 1906.04721, section 4.1. Between a
//    Conv, MatMul or Gemm and all that read its channels, with nothing but positively homogeneous
//    functions (Relu, LeakyRelu, PRelu, pooling, a gate, Flatten) in between, channel i is divided
//    by s_i = √(r1_i / r2_i), where r1 and r2 are the largest magnitudes of its weights in the
//    first layer and in those that read it. A Clip in between gets bounds by channel, as a Relu or
//    Max and a Min. Chains, of depthwise convolutions too, are swept until no scale moves.
//  - SmoothQuant: Xiao, Lin, Seznec, Wu, Demouth, Han, arXiv 2211.10438. What matrix products read
//    is divided by s_j = max|x_j|^α / max|w_j|^(1−α) (its equation 4), and their weights take s_j
//    over. max|x_j| comes from samples. What makes the operand absorbs the division where it can
//    (quant/absorb_scales.h); else a Mul in front of the products divides.
#pragma once

#include <memory>

#include "quant/config.h"
#include "quant/quantizer.h"

namespace octet {

// By config.equalize and config.smooth; nodes that the config excludes keep their weights. The
// report's `rescaled` names the nodes whose weights took a scale over.
std::unique_ptr<Quantizer> make_rescaler(Graph& graph, QuantizeConfig config);

} // namespace octet
