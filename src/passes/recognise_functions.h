#pragma once

#include "graph/graph.h"

namespace octet {

// Replaces functions that exporters spell out in primitives by the one operator that computes them:
//  - HardSwish: x * clip(x + 3, 0, 6) / 6, in any order of the factors, and x * HardSigmoid(x);
//    for execution with form="relu6" where the division by 6 comes last, so that rounding agrees;
//  - Swish: x * sigmoid(x);
//  - Gelu: 0.5 * x * (1 + erf(x / sqrt(2))) and
//    0.5 * x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x³)));
//  - LayerNormalization over the last axis, with scale and bias.
// Only for execution: the lowered operators are newer than the graph's operator set may be.
void recognise_functions(Graph& graph);

// The same, in subgraphs too, for functions that the graph's own operator set has an operator for.
void recognise_standard_functions(Graph& graph);

} // namespace octet
