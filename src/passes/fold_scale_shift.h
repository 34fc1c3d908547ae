#pragma once

#include "graph/graph.h"

namespace octet {

// Folds what follows a Conv or ConvTranspose and only scales and shifts its channels by constants
// into the weights and bias: BatchNormalization in inference form, Mul, Div, Add and Sub with a
// scalar or one value per channel.
//   scale * (w·x + b) + shift = (scale * w)·x + (scale * b + shift)
void fold_scale_shift(Graph& graph);

} // namespace octet
