// Bias correction: gives back what rounding the weights takes from the mean of a product's results
// (Nagel, van Baalen, Blankevoort, Welling: Data-Free Quantization through Weight Equalization and
// Bias Correction, arXiv 1906.04721, section 4.2).
#pragma once

#include <span>

#include "quant/scopes.h"

namespace octet {

// Whether there is such a constant, of one float32 value per channel.
bool is_bias(const Tensor* constant, size_t channels);

// Adds `loss`, by channel, to what a product of constant weights yields: to the bias of a Conv or
// Gemm, which gets one if it has none; to what an Add behind a MatMul adds. A bias that is computed
// by nodes, and a MatMul without one, stay as they are.
void correct_bias(GraphScope& scope, NodeId product, std::span<const float> loss);

} // namespace octet
