#include "base/minifloat.h"

#include <bit>
#include <cmath>

namespace octet {
namespace {
using Specials = MiniFloat::Specials;

constexpr MiniFloat kE4M3Fn{4, 3, 7, Specials::OneNan};
constexpr MiniFloat kE4M3FnUz{4, 3, 8, Specials::NegZero};
constexpr MiniFloat kE5M2{5, 2, 15, Specials::Ieee};
constexpr MiniFloat kE5M2FnUz{5, 2, 16, Specials::NegZero};
constexpr MiniFloat kE8M0{8, 0, 127, Specials::Exponent};
constexpr MiniFloat kE2M1{2, 1, 1, Specials::None};

unsigned magnitude_bits(const MiniFloat& format) {
  return format.exponent_bits + format.fraction_bits;
}

// The codes without a sign above this are infinity or NaN.
unsigned largest_code(const MiniFloat& format) {
  const unsigned all = (1u << magnitude_bits(format)) - 1;
  switch (format.specials) {
  case Specials::Ieee:
    return all - (1u << format.fraction_bits);
  case Specials::OneNan:
  case Specials::Exponent:
    return all - 1;
  default:
    return all;
  }
}

unsigned nan_code(const MiniFloat& format, unsigned sign) {
  switch (format.specials) {
  case Specials::NegZero:
    return 1u << magnitude_bits(format);
  case Specials::None:
    return 0;
  default:
    return sign | ((1u << magnitude_bits(format)) - 1);
  }
}

unsigned overflow_code(const MiniFloat& format, unsigned sign, bool saturate) {
  if (saturate || format.specials == Specials::None) return sign | largest_code(format);
  if (format.specials == Specials::Ieee) return sign | (largest_code(format) + 1);
  return nan_code(format, sign);
}

uint8_t power_of_two(float value, bool saturate, MiniRounding rounding) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint32_t exponent = bits >> 23 & 0xff, fraction = bits & 0x7fffff;
  if (exponent == 0xff) return std::isnan(value) || !saturate ? 0xff : 0xfe;
  const bool up = (rounding == MiniRounding::Up && fraction != 0) ||
                  (rounding == MiniRounding::Nearest && fraction >= 0x400000);
  if (!up) return static_cast<uint8_t>(exponent);
  return static_cast<uint8_t>(exponent == 0xfe && saturate ? 0xfe : exponent + 1);
}
} // namespace

const MiniFloat* find_minifloat(DType dtype) {
  switch (dtype) {
  case DType::Float8E4M3FN:
    return &kE4M3Fn;
  case DType::Float8E4M3FNUZ:
    return &kE4M3FnUz;
  case DType::Float8E5M2:
    return &kE5M2;
  case DType::Float8E5M2FNUZ:
    return &kE5M2FnUz;
  case DType::Float8E8M0:
    return &kE8M0;
  case DType::Float4E2M1:
    return &kE2M1;
  default:
    return nullptr;
  }
}

float minifloat_to_float32(const MiniFloat& format, uint8_t code) {
  if (format.specials == Specials::Exponent)
    return code == 0xff ? NAN : std::ldexp(1.0f, code - 127);
  const unsigned sign = code >> magnitude_bits(format) & 1;
  const unsigned magnitude = code & ((1u << magnitude_bits(format)) - 1);
  if (format.specials == Specials::NegZero && sign && magnitude == 0) return NAN;
  if (magnitude > largest_code(format)) {
    if (magnitude != overflow_code(format, 0, false)) return NAN;
    return format.specials == Specials::Ieee ? (sign ? -INFINITY : INFINITY) : NAN;
  }
  const unsigned exponent = magnitude >> format.fraction_bits;
  const unsigned fraction = magnitude & ((1u << format.fraction_bits) - 1);
  const unsigned digits = exponent ? fraction | 1u << format.fraction_bits : fraction;
  const int scale = static_cast<int>(exponent ? exponent : 1) - format.bias - format.fraction_bits;
  const float value = std::ldexp(static_cast<float>(digits), scale);
  return sign ? -value : value;
}

uint8_t float32_to_minifloat(const MiniFloat& format, float value, bool saturate,
                             MiniRounding rounding) {
  if (format.specials == Specials::Exponent) return power_of_two(value, saturate, rounding);
  const unsigned sign = std::signbit(value) ? 1u << magnitude_bits(format) : 0;
  if (std::isnan(value)) return static_cast<uint8_t>(nan_code(format, sign));
  if (std::isinf(value)) return static_cast<uint8_t>(overflow_code(format, sign, saturate));
  int exponent = 0;
  std::frexp(value, &exponent); // |value| = fraction · 2^exponent, fraction in [0.5, 1)
  const int lowest = 1 - format.bias;
  const int power = value == 0 || exponent - 1 < lowest ? lowest : exponent - 1;
  const float digits = std::nearbyint(std::ldexp(std::abs(value), format.fraction_bits - power));
  // The first digit of a normal number adds one to the exponent's field.
  const int64_t code =
      (int64_t{power - lowest} << format.fraction_bits) + static_cast<int64_t>(digits);
  if (code > largest_code(format))
    return static_cast<uint8_t>(overflow_code(format, sign, saturate));
  if (code == 0 && format.specials == Specials::NegZero) return 0;
  return static_cast<uint8_t>(sign | static_cast<unsigned>(code));
}

} // namespace octet
