// Moves scales between the nodes of a float network, so that it loses less when it is quantized.
// What it computes stays the same, but for float rounding.
//
//  - Cross-layer equalization: Nagel, van Baalen, Blankevoort, Welling, Data-Free Quantization
//    through Weight Equalization and Bias Correction, arXiv 1906.04721, section 4.1. Between two
//    convolutions with nothing but positively homogeneous functions (Relu, LeakyRelu, pooling) in
//    between, channel i is divided by s_i = √(r1_i / r2_i), where r1 and r2 are the largest
//    magnitudes of its weights in the first and in the second one. Chains are swept until no scale
//    moves.
//  - SmoothQuant: Xiao, Lin, Seznec, Wu, Demouth, Han, arXiv 2211.10438. What matrix products read
//    is divided by s_j = max|x_j|^α / max|w_j|^(1−α) (its equation 4), by a Mul in front of them,
//    and their weights take s_j over. max|x_j| comes from samples.
#pragma once

#include <memory>

#include "quant/config.h"
#include "quant/quantizer.h"

namespace octet {

// By config.equalize and config.smooth; nodes that the config excludes keep their weights. The
// report's `rescaled` names the nodes whose weights took a scale over.
std::unique_ptr<Quantizer> make_rescaler(Graph& graph, QuantizeConfig config);

} // namespace octet
