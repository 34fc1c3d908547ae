// Floats of 8 and of 4 bits: their formats, and conversion from and to float32.
//
// Formats: P. Micikevicius et al., "FP8 Formats for Deep Learning" (arXiv 2209.05433) for E4M3FN
// and E5M2; the variants without negative zero (FNUZ): B. Noune et al. (arXiv 2206.02915); E8M0 and
// E2M1: OCP Microscaling Formats (MX) Specification 1.0.
#pragma once

#include <cstdint>

#include "base/dtype.h"

namespace octet {

struct MiniFloat {
  // What the codes say that a plain binary float of these bits would not.
  enum class Specials : uint8_t {
    Ieee,     // the largest exponent is infinity and NaN
    OneNan,   // only the code of all ones is NaN (of either sign); no infinity
    NegZero,  // the code of −0 is NaN; no infinity
    None,     // all codes are finite
    Exponent, // no sign and no fraction: powers of two, all ones is NaN
  };
  uint8_t exponent_bits, fraction_bits;
  int bias;
  Specials specials;
};

// Null for other types.
const MiniFloat* find_minifloat(DType dtype);

enum class MiniRounding : uint8_t { Nearest, Up, Down }; // the latter two: E8M0's

float minifloat_to_float32(const MiniFloat& format, uint8_t code);

// Rounds half to even (E8M0, which ignores the sign: as told). What is too large becomes the
// largest number, or, without `saturate`, infinity or NaN, where the format has such. NaN stays
// NaN, or becomes the largest number where there is none.
uint8_t float32_to_minifloat(const MiniFloat& format, float value, bool saturate = true,
                             MiniRounding rounding = MiniRounding::Up);

} // namespace octet
