// Functions of one float: variants against the C library in double precision, and against their
// references where values are special.
#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <numbers>
#include <string_view>

#include "kernels/dispatch.h"
#include "kernels/eltwise/unary.h"
#include "tests/kernels/random.h"

using namespace octet::kernels;
using namespace octet::kernels::test;

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kParams[] = {1.25f, -0.5f};

double sigmoid(double x) {
  return 1.0 / (1.0 + std::exp(-x));
}
double softplus(double x) {
  return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x)));
}
double clip(double x, double lo, double hi) {
  return std::min(std::max(x, lo), hi);
}

/// The formulas of unary_list.inc that go beyond plain arithmetic, with the largest error allowed
/// in units in the last place.
struct Truth {
  std::string_view family;
  double (*function)(double x);
  float lowest, highest; // where it is checked
  double ulps;
};

const double kSqrtHalf = 1.0 / std::numbers::sqrt2;

const Truth kTruths[] = {
    {"exp_f32", [](double x) { return std::exp(x); }, -87.3f, 88.7f, 4},
    {"log_f32", [](double x) { return std::log(x); }, 1e-45f, 3e38f, 4},
    {"log_f32", [](double x) { return std::log(x); }, 0.5f, 2.0f, 4},
    {"tanh_f32", [](double x) { return std::tanh(x); }, -12, 12, 4},
    {"tanh_f32", [](double x) { return std::tanh(x); }, -1e-3f, 1e-3f, 4},
    {"erf_f32", [](double x) { return std::erf(x); }, -5, 5, 4},
    {"erf_f32", [](double x) { return std::erf(x); }, -1e-3f, 1e-3f, 4},
    {"sigmoid_f32", sigmoid, -87, 87, 4},
    {"softplus_f32", softplus, -87, 87, 4},
    {"gelu_f32", [](double x) { return 0.5 * x * (1 + std::erf(x * kSqrtHalf)); }, 0, 10, 4},
    {"gelu_tanh_f32",
     [](double x) {
       const double u = std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x);
       return 0.5 * x * (1 + std::tanh(u));
     },
     0, 10, 4},
    {"mish_f32", [](double x) { return x * std::tanh(softplus(x)); }, -80, 80, 6},
    {"elu_f32", [](double x) { return x < 0 ? 1.25 * std::expm1(x) : x; }, -80, 20, 5},
    {"swish_f32", [](double x) { return x * sigmoid(1.25 * x); }, -1, 60, 5},
    {"softsign_f32", [](double x) { return x / (1 + std::abs(x)); }, -9, 9, 2},
    {"sqrt_f32", [](double x) { return std::sqrt(x); }, 0, 1e10f, 0.5},
    {"square_f32", [](double x) { return x * x; }, -9, 9, 0.5},
    {"reciprocal_f32", [](double x) { return 1 / x; }, 0.1f, 9, 0.5},
    {"hard_swish_f32", [](double x) { return x * clip(x / 6 + 0.5, 0, 1); }, -1, 5, 3},
    {"relu6_swish_f32", [](double x) { return x * clip(x + 3, 0, 6) / 6; }, -1, 5, 3},
    {"scaled_hard_swish_f32", [](double x) { return 1.25 * x * clip(x / 6 + 0.5, 0, 1) - 0.5; }, 2,
     5, 4},
    {"scaled_relu6_swish_f32", [](double x) { return 1.25 * x * clip(x + 3, 0, 6) / 6 - 0.5; }, 2,
     5, 4},
    {"leaky_relu_f32", [](double x) { return x < 0 ? 1.25 * x : x; }, -9, 9, 0.5},
    {"multiply_add_f32", [](double x) { return 1.25 * x - 0.5; }, 1, 9, 1},
    {"hard_sigmoid_f32", [](double x) { return clip(1.25 * x - 0.5, 0, 1); }, 1, 9, 1},
    {"abs_f32", [](double x) { return std::abs(x); }, -9, 9, 0},
    {"neg_f32", [](double x) { return -x; }, -9, 9, 0},
    {"floor_f32", [](double x) { return std::floor(x); }, -9, 9, 0},
    {"ceil_f32", [](double x) { return std::ceil(x); }, -9, 9, 0},
    {"round_f32", [](double x) { return std::nearbyint(x); }, -9, 9, 0},
    {"relu_f32", [](double x) { return std::max(x, 0.0); }, -9, 9, 0},
};

double ulp_of(float x) {
  const float magnitude = std::max(std::abs(x), std::numeric_limits<float>::min());
  return static_cast<double>(std::nextafter(magnitude, kInfinity)) - static_cast<double>(magnitude);
}

/// Equal, or both NaN, or as near as `ulps`.
bool is_near(float got, float expected, double ulps) {
  if (std::isnan(expected)) return std::isnan(got);
  if (std::isinf(expected)) return got == expected;
  return std::abs(static_cast<double>(got) - static_cast<double>(expected)) <=
         ulps * ulp_of(expected);
}

void check_truth(const Truth& truth, UnaryFn* function) {
  constexpr size_t kCount = 100'000;
  const double lowest = truth.lowest, highest = truth.highest;
  std::vector<float> x(kCount), y(kCount);
  for (size_t i = 0; i < kCount; ++i)
    x[i] = static_cast<float>(lowest + (highest - lowest) * static_cast<double>(i) / (kCount - 1));
  function(x.data(), y.data(), kCount, kParams);
  double worst = 0;
  float at = 0;
  for (size_t i = 0; i < kCount; ++i) {
    const double expected = truth.function(static_cast<double>(x[i]));
    const double error =
        std::abs(static_cast<double>(y[i]) - expected) / ulp_of(static_cast<float>(expected));
    if (!(error > worst)) continue;
    worst = error;
    at = x[i];
  }
  INFO("at " << at);
  REQUIRE(worst <= truth.ulps);
}

} // namespace

TEST_CASE("functions of one float are as exact as promised") {
  size_t checked = 0;
  for_each_variant<UnaryFn>(
      [&](const char* family, const char* name, UnaryFn* function, UnaryFn* reference) {
        for (const Truth& truth : kTruths) {
          if (truth.family != family) continue;
          ++checked;
          INFO(name);
          check_truth(truth, function);
          INFO("and its reference");
          check_truth(truth, reference);
        }
      });
  REQUIRE(checked >= std::size(kTruths));
}

TEST_CASE("gelu below zero stays within its absolute bound") {
  constexpr double kBound = 0x1p-22;
  for (int i = 0; i < 100'000; ++i) {
    const float x = -1e-4f * static_cast<float>(i);
    const double wide = x;
    const double u = std::sqrt(2 / std::numbers::pi) * (wide + 0.044715 * wide * wide * wide);
    const double bound = kBound * std::abs(wide);
    float y;
    gelu_f32(&x, &y, 1, nullptr);
    REQUIRE(std::abs(y - 0.5 * wide * (1 + std::erf(wide * kSqrtHalf))) <= bound);
    gelu_tanh_f32(&x, &y, 1, nullptr);
    REQUIRE(std::abs(y - 0.5 * wide * (1 + std::tanh(u))) <= bound);
  }
}

TEST_CASE("functions of one float treat special values like their references") {
  const std::array<float, 12> x = {0.0f,
                                   -0.0f,
                                   kInfinity,
                                   -kInfinity,
                                   std::numeric_limits<float>::quiet_NaN(),
                                   std::numeric_limits<float>::max(),
                                   std::numeric_limits<float>::lowest(),
                                   1e-40f,
                                   2.5f,
                                   -1.5f,
                                   0.25f,
                                   1.0f};
  for_each_variant<UnaryFn>(
      [&](const char*, const char* name, UnaryFn* function, UnaryFn* reference) {
        INFO(name);
        std::array<float, x.size()> got, expected;
        function(x.data(), got.data(), x.size(), kParams);
        reference(x.data(), expected.data(), x.size(), kParams);
        for (size_t i = 0; i < x.size(); ++i) {
          INFO(x[i] << " gives " << got[i] << ", expected " << expected[i]);
          REQUIRE(is_near(got[i], expected[i], 8));
        }
      });
}

TEST_CASE("functions of one float work in place and on any count") {
  Random random(21);
  for_each_variant<UnaryFn>(
      [&](const char*, const char* name, UnaryFn* function, UnaryFn* reference) {
        INFO(name);
        for (size_t n = 0; n < 30; ++n) {
          const auto x = random.reals(n, -3.0f, 4.0f);
          auto got = x, expected = x;
          function(got.data(), got.data(), n, kParams);
          reference(x.data(), expected.data(), n, kParams);
          for (size_t i = 0; i < n; ++i) {
            const double slack = std::abs(x[i]) * 0x1p-21;
            REQUIRE((is_near(got[i], expected[i], 8) || std::abs(got[i] - expected[i]) <= slack));
          }
        }
      });
}
