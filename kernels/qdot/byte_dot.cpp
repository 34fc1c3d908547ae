#include "kernels/qdot/byte_dot.h"

namespace octet::kernels {
namespace {

ByteDot selected = ByteDot::none;
ByteDotSteps selected_steps = ByteDotSteps::one;

/// Sixteen bytes that repeat four.
struct Bytes {
  alignas(16) uint8_t at[16];

  explicit Bytes(uint32_t four) noexcept {
    for (uint32_t i = 0; i < 16; ++i) at[i] = static_cast<uint8_t>(four >> i % 4 * 8);
  }
};

/// Half of each signed byte: −64 … 64.
Bytes halved(Bytes bytes) noexcept {
  for (uint8_t& byte : bytes.at) {
    const auto value = static_cast<int8_t>(byte);
    byte = static_cast<uint8_t>((value + (value > 0)) / 2);
  }
  return bytes;
}

/// A stream of numbers that look random (Marsaglia 2003, xorshift).
uint32_t next(uint32_t& state) noexcept {
  state ^= state << 13;
  state ^= state >> 17;
  return state ^= state << 5;
}

/// What is still possible after the products of some bytes.
struct Findings {
  bool is_unsigned = true;
  bool is_signed = true;

  void compare(ByteDotFn* dot, const Bytes& w, const Bytes& a) noexcept {
    int32_t sums[4];
    const auto* weights = reinterpret_cast<const int8_t*>(w.at);
    dot(weights, a.at, sums);
    int32_t with_unsigned = 0, with_signed = 0;
    for (uint32_t i = 0; i < 4; ++i) {
      with_unsigned += weights[i] * a.at[i];
      with_signed += weights[i] * static_cast<int8_t>(a.at[i]);
    }
    for (const int32_t sum : sums) {
      is_unsigned = is_unsigned && sum == with_unsigned;
      is_signed = is_signed && sum == with_signed;
    }
  }
};

} // namespace

ByteDot byte_dot() noexcept {
  return selected;
}

ByteDotSteps byte_dot_steps() noexcept {
  return selected_steps;
}

void select_byte_dot(ByteDot reading, ByteDotSteps steps) noexcept {
  selected = reading;
  selected_steps = steps;
}

ByteDot tried_byte_dot(ByteDotFn* dot, ByteDotSteps steps) noexcept {
  constexpr uint32_t kExtremes[] = {0x00000000, 0x01010101, 0x7F7F7F7F, 0x80808080,
                                    0xFFFFFFFF, 0x80FF7F01, 0x7F80FF00};
  constexpr int kRandomProducts = 64;
  Findings findings;
  const auto weights = [steps](uint32_t four) {
    const Bytes bytes(four);
    return steps == ByteDotSteps::one ? bytes : halved(bytes);
  };
  for (const uint32_t w : kExtremes)
    for (const uint32_t a : kExtremes) findings.compare(dot, weights(w), Bytes(a));
  uint32_t state = 0x9E3779B9;
  for (int i = 0; i < kRandomProducts; ++i) {
    const Bytes w = weights(next(state)), a(next(state));
    findings.compare(dot, w, a);
  }
  if (findings.is_unsigned) return ByteDot::unsigned_activations;
  return findings.is_signed ? ByteDot::signed_activations : ByteDot::none;
}

void select_tried_byte_dot(ByteDotFn* one_step, ByteDotFn* two_steps) noexcept {
  const ByteDot reading = tried_byte_dot(one_step);
  if (reading == ByteDot::none &&
      tried_byte_dot(two_steps, ByteDotSteps::two) == ByteDot::unsigned_activations)
    return select_byte_dot(ByteDot::unsigned_activations, ByteDotSteps::two);
  select_byte_dot(reading);
}

} // namespace octet::kernels
