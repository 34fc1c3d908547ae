// Which form of activations suits an integer product.
#pragma once

#include "base/tensor.h"
#include "graph/graph.h"

namespace octet {

// Whether the lowered product gains from 8-bit codes over int16 with the zero point subtracted: if
// byte dot products multiply them with these weights, and nothing faster does. It computes with
// either.
bool reads_codes(const Node& product, const Tensor& weights);

} // namespace octet
