// What calibration accepts as the values of a tensor in one sample.
#pragma once

#include <span>
#include <string_view>

namespace octet {

// Throws InvalidInput naming the value when an element is not finite.
void check_sample(std::string_view name, std::span<const float> values);

// Throws that: for callers who have looked at the elements themselves.
[[noreturn]] void refuse_sample(std::string_view name);

} // namespace octet
