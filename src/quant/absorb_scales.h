// Divides a value by scales of its channels without a node of its own: constants of the nodes that
// make the value take the scales over, as SmoothQuant does with normalisations and linear layers
// (arXiv 2211.10438, section 4). Results change by float rounding alone.
//
// Channels lie along the last axis. Scales are absorbed by
//  - the gain and the bias of LayerNormalization and RMSNormalization, also where these are spelled
//    out in primitives: by the constants of the last Mul and Add;
//  - the columns of MatMul and Gemm, and their bias.
// On the way there they pass through Relu, LeakyRelu, Add, Sub, Mul and Div with constants, either
// operand of another Mul, Reshape that keeps the channels together, and the heads of an attention.
#pragma once

#include <span>

#include "quant/scopes.h"

namespace octet {

// `readers` read value / scales from then on. False, and nothing has changed, where that takes a
// node of its own: other nodes read the value too (what reads its shape doesn't count), or nothing
// that makes it absorbs scales. Nodes that the config excludes keep their weights.
bool absorb_scales(GraphScope& scope, ValueId value, std::span<const NodeId> readers,
                   std::span<const float> scales, const QuantizeConfig& config);

} // namespace octet
