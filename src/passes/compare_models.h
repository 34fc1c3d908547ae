// Two models of the same inputs in one graph, whose outputs tell how far apart their values are.
//
// Each output is a Compare (ops/compare.cpp) under the name of the two values that it reads: first
// the outputs of the reference, then, where layers are wanted, the inner values of floats that
// nodes of both models make under one name, in the reference's order. A value that only a
// QuantizeLinear reads is compared as the numbers that its codes stand for: so it is when a next
// layer reads it, and integer operators run as they do without a comparison.
//
// The nodes of the two take turns: each compared value of the reference is followed by its
// counterpart, their comparison, and what turns the counterpart into codes; what turns codes into
// numbers stands before each reader. So few values live at a time, and one arena holds those of
// both models.
#pragma once

#include "graph/graph.h"

namespace octet {

// Takes what the graphs hold. The older one is raised to the operator set of the newer
// (passes/raise_opset, and what that throws). Throws InvalidInput naming an output that the
// candidate does not have, or an input that is of one type here and of another there.
Graph compare_models(Graph& reference, Graph& candidate, bool with_layers);

} // namespace octet
