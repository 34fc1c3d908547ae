#include <algorithm>
#include <cmath>

#include "kernels/dispatch.h"

namespace octet::kernels {

void f32_round_to_codes_reference(const float* x, size_t n, const CodeGrid& grid, uint8_t* codes,
                                  RoundingLoss& loss) noexcept {
  const auto lo = static_cast<float>(grid.lo), hi = static_cast<float>(grid.hi);
  for (size_t i = 0; i < n; ++i) {
    const size_t at = grid.by_number ? i : 0;
    const float scale = grid.scales[at];
    const auto zero = static_cast<float>(grid.zero_points[at]);
    const float code = std::clamp(std::nearbyint(x[i] / scale) + zero, lo, hi);
    codes[i] = static_cast<uint8_t>(static_cast<int32_t>(code));
    const double value = x[i], error = value - double{scale * (code - zero)};
    loss.signal += value * value;
    loss.noise += error * error;
    loss.clipped += std::abs(error) > kMostRoundingError * double{scale};
  }
}

} // namespace octet::kernels
