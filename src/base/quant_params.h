// How a quantized tensor stands for real numbers: real = scale * (q − zero_point).
#pragma once

#include <cstdint>
#include <vector>

namespace octet {

struct QuantParams {
  std::vector<float> scales;        // one, or one per slice along `axis`, or one per block
  std::vector<int32_t> zero_points; // as many as scales
  int axis = -1;                    // −1: per tensor
  int64_t block_size = 0;           // 0: no blocks along `axis`

  bool operator==(const QuantParams&) const = default;
};

} // namespace octet
