// GPTQ: rounds the weights of a product so that its results change least on given samples.
//
// Frantar, Ashkboos, Hoefler, Alistarh: GPTQ, arXiv 2210.17323. With H = Σ x xᵀ over the vectors x
// that a row w of weights is multiplied with, the squared error of the results is (w − q) H (w −
// q)ᵀ. With H = L Lᵀ, the columns in the reverse of their order of rounding, it is the sum over j
// of
//   ((w_j − q_j) L_jj + Σ_{i > j} (w_i − q_i) L_ij)²
// where i > j were rounded before: each q_j is the code nearest to what makes its term 0. These are
// the steps of GPTQ, without the inverse of H (Chen et al., arXiv 2507.18553).
#pragma once

#include "quant/block_weights.h"
#include "quant/gram.h"

namespace octet {

// Rows that are worked on together.
inline constexpr size_t kGptqRows = 16;

// Rounds rows [begin, end), at most kGptqRows; `gram` is factored.
void gptq_rows(const WeightMatrix& matrix, const RangeRule& rule, const Gram& gram, size_t begin,
               size_t end, BlockWeights& out);

struct OutputError {
  double signal = 0, noise = 0; // Σ over samples of results squared, and of their errors squared
};
// Adds what rounding rows [begin, end), at most kGptqRows, does to the results. `gram` is factored
// or as samples left it; a factor is not worth making for this.
void measure_rows(const WeightMatrix& matrix, const BlockWeights& weights, DType type,
                  const Gram& gram, size_t begin, size_t end, OutputError& out);

} // namespace octet
