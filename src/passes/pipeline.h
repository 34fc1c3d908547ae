// The ordered lists of passes.
//
// Canonical: what was read, cleaned; it is quantized, inspected, exported. Lowered: fused,
// channels-last, ready to be planned; it is only executed.
#pragma once

#include <span>

#include "ops/op_def.h"
#include "passes/fold_constants.h"

namespace octet {

// Cleans a graph and its subgraphs in place, keeping it a standard model with the same answers:
// constants folded, identities and dead nodes removed, batch normalizations and per-channel scales
// folded into convolutions.
// `captured`: of a subgraph, the constants behind its captures.
void canonicalize(Graph& graph, const CapturedConstants& captured = {});

// Rewrites a copy of a canonical graph for execution. `inputs`: facts of its inputs, then captures.
// Decisions rest on types, ranks and constants only, so the result serves other shapes of the same
// ranks.
void lower(Graph& graph, std::span<const ValueFact* const> inputs, SubgraphHost& host);

} // namespace octet
