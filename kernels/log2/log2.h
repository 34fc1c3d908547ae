// Numbers rounded to powers of two: what the scheme log2 of activations multiplies.
//
// The levels are 0 and ±2^(first + i) for 0 ≤ i < their count; x goes to the nearest, halves away
// from zero, and to 0 where |x| < ¾·2^first. A level is written in multiples of the smallest, as
// the int16 2^i: a product with it is a shift, and integer kernels sum it like any other code. As
// ¾·2^e is the middle between two levels, the level of |x| is the exponent of its bits after adding
// half of an exponent's step to them: integer arithmetic, the same bits everywhere.
#pragma once

#include <cstddef>
#include <cstdint>

namespace octet::kernels {

/// The most levels of one sign: the largest is 2^14.
inline constexpr int32_t kMostLog2Levels = 15;

struct Log2Levels {
  int32_t first = 0;    // from −125 to 127
  int32_t positive = 0; // counts, 0 … kMostLog2Levels; larger numbers go to the last level
  int32_t negative = 0;
};

/// y = the level of x in multiples of the smallest. NaN becomes 0, infinities the last level.
void quantize_log2(const float* x, size_t n, const Log2Levels& levels, int16_t* y) noexcept;

} // namespace octet::kernels
