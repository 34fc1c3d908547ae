// AdaRound: rounds each weight of a product up or down, whichever changes the results least on
// given samples.
//
// Nagel, Amjad, van Baalen, Louizos, Blankevoort: Up or Down? Adaptive Rounding for Post-Training
// Quantization, arXiv 2004.10568. For a row w of weights and its codes' values q, their problem is
// to minimise (w − q) H (w − q)ᵀ with H = Σ x xᵀ over q_j ∈ {⌊w_j⌋, ⌈w_j⌉} (its equation 13). They
// relax it to a continuous one; here, the binary one is descended: from the nearest codes on, one
// or two at a time change as long as that helps. Of rows of a few weights all codes are tried.
#pragma once

#include <span>

#include "quant/arithmetic.h"
#include "quant/gptq.h"

namespace octet {

// Rounds the row `w`; `codes` are the nearest ones at first. `gram` is mirrored. Adds to `nearest`
// and `chosen` what either rounding does to the results.
void adaround_row(std::span<const float> w, ScaleAndZero params, QuantRange range, const Gram& gram,
                  std::span<int32_t> codes, OutputError& nearest, OutputError& chosen);

} // namespace octet
