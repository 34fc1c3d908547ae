// Rotary position embeddings: pairs (a, b) of a row turn by the angle of their position,
//   (a · cos − b · sin, a · sin + b · cos).
// A pair is elements i and i + half of the row, or 2i and 2i + 1 when interleaved; what is behind
// the pairs stays as it is.
#pragma once

#include <cstddef>

namespace octet {

// The cosines and sines of one position, `half` of each.
struct RotaryAngles {
  const float *cos, *sin;
  size_t half;
  bool interleaved;
};

// y may be x.
void rotate_row(const RotaryAngles& angles, const float* x, size_t columns, float* y) noexcept;

} // namespace octet
