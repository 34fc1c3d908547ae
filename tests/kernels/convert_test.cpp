// Conversions: variants against their references, and the arithmetic against ONNX.
#include "kernels/convert/convert.h"

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <string_view>

#include "kernels/dispatch.h"
#include "tests/kernels/random.h"

using namespace octet::kernels;
using namespace octet::kernels::test;

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

/// Values of both signs with a few that are special.
std::vector<float> mixed_values(Random& random, size_t n) {
  auto x = random.reals(n, -300.0f, 300.0f);
  for (float& value : x) {
    const int kind = random.integer(0, 20);
    if (kind == 0) value = kInfinity;
    if (kind == 1) value = -kInfinity;
    if (kind == 2) value = kNan;
    if (kind == 3) value = -0.0f;
    if (kind < 9) value = std::floor(value) + 0.5f;
  }
  return x;
}

size_t bytes_in_name(std::string_view family) {
  return family.ends_with("16") ? 2 : 1;
}

} // namespace

TEST_CASE("value ranges equal their reference") {
  Random random(8);
  for_each_variant<ValueRangeFn>(
      [&](const char*, const char* name, ValueRangeFn* function, ValueRangeFn* reference) {
        INFO(name);
        for (size_t n = 0; n < 70; ++n) {
          const auto x = mixed_values(random, n);
          const ValueRange got = function(x.data(), n);
          const ValueRange expected = reference(x.data(), n);
          REQUIRE(got.min == expected.min);
          REQUIRE(got.max == expected.max);
        }
      });
}

TEST_CASE("quantizing kernels equal their references") {
  Random random(9);
  for_each_variant<QuantizeFn>([&](const char* family, const char* name, QuantizeFn* function,
                                   QuantizeFn* reference) {
    INFO(name);
    for (size_t n = 0; n < 50; ++n) {
      const auto x = mixed_values(random, n);
      const QuantizeParams params{random.real(0.5f, 2.0f), -60.0f, 50.0f, random.integer(60, 70)};
      std::vector<char> got(n * bytes_in_name(family));
      auto expected = got;
      function(x.data(), n, params, got.data());
      reference(x.data(), n, params, expected.data());
      REQUIRE(got == expected);
    }
  });
}

TEST_CASE("dequantizing kernels equal their references") {
  Random random(10);
  for_each_variant<DequantizeFn>(
      [&](const char* family, const char* name, DequantizeFn* function, DequantizeFn* reference) {
        INFO(name);
        const size_t element = std::string_view(family).ends_with("32") ? 4 : bytes_in_name(family);
        for (size_t n = 0; n < 40; ++n) {
          const auto x = random.integers<uint8_t>(n * element, 0, 255);
          const int zero_point = random.integer(0, 127);
          const float scale = random.real(0.001f, 2.0f);
          std::vector<float> got(n);
          std::vector<float> expected(n);
          function(x.data(), n, zero_point, scale, got.data());
          reference(x.data(), n, zero_point, scale, expected.data());
          REQUIRE(got == expected);
        }
      });
}

TEST_CASE("narrowing kernels equal their references, which are exact") {
  Random random(12);
  for_each_variant<NarrowFn>(
      [&](const char* family, const char* name, NarrowFn* function, NarrowFn* reference) {
        INFO(name);
        const bool is_signed = std::string_view(family).ends_with("s8");
        for (size_t n = 0; n < 50; ++n) {
          const auto x = random.integers<int16_t>(n, n % 2 == 0 ? -300 : -32768, 300);
          const int zero_point = random.integer(is_signed ? -128 : 0, is_signed ? 127 : 255);
          std::vector<uint8_t> got(n), expected(n);
          function(x.data(), n, zero_point, got.data());
          reference(x.data(), n, zero_point, expected.data());
          REQUIRE(got == expected);
          const int low = is_signed ? -128 : 0;
          for (size_t i = 0; i < n; ++i)
            REQUIRE(got[i] == static_cast<uint8_t>(std::clamp(x[i] + zero_point, low, low + 255)));
        }
      });
}

TEST_CASE("widening kernels equal their references") {
  Random random(11);
  for_each_variant<WidenFn>(
      [&](const char*, const char* name, WidenFn* function, WidenFn* reference) {
        INFO(name);
        for (size_t n = 0; n < 50; ++n) {
          const auto x = random.integers<uint8_t>(n, 0, 255);
          const int zero_point = random.integer(0, 127);
          std::vector<int16_t> got(n);
          std::vector<int16_t> expected(n);
          function(x.data(), n, zero_point, got.data());
          reference(x.data(), n, zero_point, expected.data());
          REQUIRE(got == expected);
        }
      });
}
