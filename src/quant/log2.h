// Levels of activations under the scheme log2: 0 and powers of two, so that a product with an
// activation is a shift.
// Source: Miyashita, Lee, Murmann 2016, Convolutional Neural Networks using Logarithmic Data
// Representation (arXiv 1603.01025): Clip(Round(log2 |x|), FSR − levels, FSR) for x ≠ 0. Unlike
// there |x| goes to the nearest level, not to that of the nearest logarithm: the boundary is 1.5
// times the lower level instead of √2 times. That has the least error for given levels, by 0.4 dB
// where values of an octave are equally frequent, and their mean is kept.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "base/tensor.h"
#include "graph/graph.h"
#include "ops/log2_ops.h"
#include "quant/observers/histogram.h"

namespace octet {

// Up to `most` levels of one sign, of which the largest is the nearest to the end of the range that
// is further from 0. Negative numbers have levels, too.
kernels::Log2Levels choose_log2_levels(ObservedRange range, int32_t most);

// The operand `levels` of Log2Quantize: 0 and the levels of one sign.
Tensor log2_level_table(const kernels::Log2Levels& levels);

// Lets a graph use the functions of ops/log2_ops.h, which take a file of IR version 8.
void import_own_functions(Graph& graph);

// What powers of two lose of the values of a tensor, for any levels.
class Log2Errors {
public:
  // Finite values.
  void add(std::span<const float> values);
  // 10 log10(Σ x² / Σ (x − level)²).
  double sqnr_db(const kernels::Log2Levels& levels) const;

private:
  struct Octave {
    double count = 0, sum = 0, energy = 0; // of magnitudes
  };
  std::array<Octave, 256> octaves_; // by the biased exponent of the nearest power of two
};

} // namespace octet
