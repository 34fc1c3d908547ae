#include "quant/arithmetic.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <random>
#include <vector>

#include "base/error.h"

using namespace octet;

namespace {
constexpr DType kTypes[] = {DType::UInt8, DType::Int8,  DType::UInt16,
                            DType::Int16, DType::UInt4, DType::Int4};

int32_t code_of(float value, ScaleAndZero params, QuantRange range) {
  int32_t code;
  quantize_values({&value, 1}, params, range, {&code, 1});
  return code;
}
} // namespace

TEST_CASE("0.75 of [0, 1] is 191 of [0, 255]") {
  const ScaleAndZero params = choose_quant_params(0, 1, DType::UInt8, false);
  CHECK(params.zero_point == 0);
  CHECK(code_of(0.75f, params, quant_range(DType::UInt8, false)) == 191);
}

TEST_CASE("symmetric ranges are centred") {
  CHECK(choose_quant_params(-3, 1, DType::Int8, true).zero_point == 0);
  CHECK(choose_quant_params(-3, 1, DType::UInt8, true).zero_point == 128);
  CHECK(choose_quant_params(-3, 1, DType::Int8, true).scale == Approx(3.0f / 127));
}

TEST_CASE("reduced ranges are those of onnxruntime's quantizer, of 8-bit types alone") {
  const auto is_range = [](QuantRange range, int32_t min, int32_t max) {
    return range.min == min && range.max == max;
  };
  for (const bool symmetric : {false, true}) {
    CHECK(is_range(quant_range(DType::Int8, symmetric, true), -64, 64));
    CHECK(is_range(quant_range(DType::UInt8, symmetric, true), symmetric ? 1 : 0, 127));
    for (const DType type : {DType::Int4, DType::UInt4, DType::Int16, DType::UInt16})
      CHECK_THROWS_AS(quant_range(type, symmetric, true), Error);
  }
  CHECK(choose_quant_params(-3, 1, DType::Int8, true, true).zero_point == 0);
  CHECK(choose_quant_params(-3, 1, DType::Int8, true, true).scale == Approx(3.0f / 64));
  CHECK(choose_quant_params(-3, 1, DType::UInt8, true, true).zero_point == 64);
  CHECK(choose_quant_params(-1, 3, DType::UInt8, false, true).zero_point == 32);
  CHECK(choose_quant_params(-1, 3, DType::UInt8, false, true).scale == Approx(4.0f / 127));
}

TEST_CASE("degenerate ranges and broken ones") {
  CHECK(choose_quant_params(0, 0, DType::UInt8, false).scale == 1);
  CHECK(choose_quant_params(1e-45f, 1e-45f, DType::UInt8, false).scale > 0);
  CHECK(std::isfinite(choose_quant_params(-3e38f, 3e38f, DType::Int8, false).scale));
  CHECK_THROWS_AS(choose_quant_params(1, 0, DType::UInt8, false), Error);
  CHECK_THROWS_AS(choose_quant_params(NAN, 0, DType::UInt8, false), Error);
  CHECK_THROWS_AS(choose_quant_params(0, 1, DType::Float32, false), Error);
}

TEST_CASE("round trip within half a step, zero exact, monotone, saturating") {
  std::mt19937 random(1);
  std::uniform_real_distribution<float> uniform(-10, 10);
  for (const DType type : kTypes)
    for (const bool symmetric : {false, true})
      for (int round = 0; round < 50; ++round) {
        const float a = uniform(random), b = uniform(random);
        const float low = std::min({a, b, 0.0f}), high = std::max({a, b, 0.0f});
        const ScaleAndZero params = choose_quant_params(low, high, type, symmetric);
        const QuantRange range = quant_range(type, symmetric);
        CAPTURE(dtype_name(type), symmetric, low, high);
        REQUIRE(code_of(0, params, range) == params.zero_point);
        REQUIRE(code_of(1e30f, params, range) == range.max);
        REQUIRE(code_of(-1e30f, params, range) == range.min);
        REQUIRE(code_of(NAN, params, range) == params.zero_point);
        int32_t previous = range.min;
        for (int i = 0; i <= 40; ++i) {
          const float x = low + (high - low) * static_cast<float>(i) / 40;
          const int32_t code = code_of(x, params, range);
          REQUIRE(code >= previous);
          previous = code;
          float back;
          dequantize_values({&code, 1}, params, {&back, 1});
          // Half a step, and what rounding the zero point to an integer moves the ends of the range
          // by.
          const float edge = x == low || x == high || i == 0 || i == 40 ? 1.0f : 0.5f;
          REQUIRE(std::abs(back - x) <= params.scale * (edge + 1e-3f) + 1e-6f);
        }
      }
}
