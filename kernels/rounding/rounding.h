// Rounding numbers to codes of 8 bits or less, and what that loses.
//   code = clamp(round_half_even(x / scale) + zero_point, lo, hi)
//   x̂   = scale · (code − zero_point)
#pragma once

#include <cstddef>
#include <cstdint>

namespace octet::kernels {

/// Scales > 0; −128 ≤ lo ≤ zero points ≤ hi ≤ 255.
struct CodeGrid {
  const float* scales = nullptr;
  const int32_t* zero_points = nullptr;
  bool by_number = false; // one of each for every number, not for all
  int32_t lo = -128;
  int32_t hi = 127;
};

/// What |x − x̂| is at most of the scale where nothing is clipped, with room for float arithmetic.
inline constexpr double kMostRoundingError = 0.51;

/// Sums over numbers, in double.
struct RoundingLoss {
  double signal = 0;  ///< Σ x²
  double noise = 0;   ///< Σ (x − x̂)²
  size_t clipped = 0; ///< how many have |x − x̂| > kMostRoundingError·scale
};

/// Writes the low bytes of the codes of n finite numbers and adds to the sums.
void round_to_codes(const float* x, size_t n, const CodeGrid& grid, uint8_t* codes,
                    RoundingLoss& loss) noexcept;

} // namespace octet::kernels
