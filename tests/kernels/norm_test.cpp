// Normalizations: variants against double precision.
#include <catch2/catch.hpp>
#include <cmath>
#include <string_view>

#include "kernels/dispatch.h"
#include "kernels/norm/norm.h"
#include "tests/kernels/random.h"

using namespace octet::kernels;
using namespace octet::kernels::test;

namespace {

struct Operands {
  size_t rows, columns;
  std::vector<float> x, scale, bias;
  bool has_bias;

  explicit Operands(Random& random)
      : rows(random.size(1, 4)), columns(random.size(1, 70)),
        x(random.reals(rows * columns, -2, 5)), scale(random.reals(columns, -2, 2)),
        bias(random.reals(columns, -2, 2)), has_bias(random.chance()) {}
};

constexpr float kEpsilon = 1e-3f;

void check(std::string_view family, RowNormFn* function, const Operands& operands) {
  const size_t n = operands.columns;
  std::vector<float> y(operands.x.size()), mean(operands.rows), inverse(operands.rows);
  function({.columns = n,
            .x = operands.x.data(),
            .y = y.data(),
            .scale = operands.scale.data(),
            .bias = operands.has_bias ? operands.bias.data() : nullptr,
            .epsilon = kEpsilon,
            .mean = mean.data(),
            .inverse_std = inverse.data()},
           0, operands.rows);
  for (size_t r = 0; r < operands.rows; ++r) {
    const float* x = operands.x.data() + r * n;
    double center = 0, variance = 0;
    if (family == "layer_norm_f32") {
      for (size_t i = 0; i < n; ++i) center += x[i];
      center /= static_cast<double>(n);
      REQUIRE(mean[r] == Approx(center).margin(1e-5));
    }
    for (size_t i = 0; i < n; ++i) variance += (x[i] - center) * (x[i] - center);
    variance /= static_cast<double>(n);
    const double factor = 1 / std::sqrt(variance + static_cast<double>(kEpsilon));
    REQUIRE(inverse[r] == Approx(factor).epsilon(1e-4));
    for (size_t i = 0; i < n; ++i) {
      const double bias = operands.has_bias ? operands.bias[i] : 0;
      const double expected = (x[i] - center) * factor * operands.scale[i] + bias;
      REQUIRE(y[r * n + i] == Approx(expected).epsilon(1e-4).margin(1e-4));
    }
  }
}

} // namespace

TEST_CASE("normalizations of rows") {
  Random random(43);
  for_each_variant<RowNormFn>(
      [&](const char* family, const char* name, RowNormFn* function, RowNormFn* reference) {
        INFO(name);
        for (int i = 0; i < 60; ++i) {
          const Operands operands(random);
          check(family, function, operands);
          check(family, reference, operands);
        }
      });
}

TEST_CASE("normalizations keep to their range of rows and work in place") {
  std::vector<float> x = {1, 3, 2, 6, 5, 9};
  const float ones[] = {1, 1};
  layer_norm_f32({.columns = 2, .x = x.data(), .y = x.data(), .scale = ones}, 1, 2);
  REQUIRE(x == std::vector<float>{1, 3, -1, 1, 5, 9});
}
