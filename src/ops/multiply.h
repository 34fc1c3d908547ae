// Multiplies many floats, for passes that fold factors into constants.
#pragma once

#include <span>

namespace octet {

// to[i] = values[i] · factor; `to` may be where the values are.
void multiply(std::span<const float> values, float factor, float* to);

} // namespace octet
