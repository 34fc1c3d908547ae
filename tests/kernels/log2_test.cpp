// Rounding to powers of two: variants against the reference, and that against the definition.
#include "kernels/log2/log2.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "kernels/dispatch.h"
#include "tests/kernels/random.h"

using namespace octet::kernels;
using namespace octet::kernels::test;

namespace {
constexpr float kInfinity = std::numeric_limits<float>::infinity();

// The definition by comparisons alone: the largest level of which x reaches three quarters.
int level_by_comparison(float x, const Log2Levels& levels) {
  int level = 0;
  const int count = x < 0 ? levels.negative : levels.positive;
  for (int i = 0; i < count; ++i)
    if (std::abs(double{x}) >= 0.75 * std::ldexp(1.0, levels.first + i)) level = 1 << i;
  return x < 0 ? -level : level;
}

// Both sides of every boundary, and numbers of all sizes.
std::vector<float> telling_values(Random& random) {
  std::vector<float> x{0.0f, -0.0f, kInfinity, -kInfinity, NAN, -NAN, 1e-45f, -1e-45f, 1e-39f};
  for (int exponent = -149; exponent < 128; ++exponent)
    for (const float mantissa : {0.75f, 1.0f, random.real(1.0f, 2.0f)}) {
      const float value = std::ldexp(mantissa, exponent);
      for (const float near :
           {value, std::nextafter(value, 0.0f), std::nextafter(value, kInfinity)})
        x.insert(x.end(), {near, -near});
    }
  return x;
}
} // namespace

TEST_CASE("rounding to powers of two follows its definition, in every variant") {
  Random random(14);
  const auto x = telling_values(random);
  for (const Log2Levels levels :
       {Log2Levels{-7, 15, 15}, Log2Levels{-125, 15, 15}, Log2Levels{113, 15, 15},
        Log2Levels{-3, 4, 0}, Log2Levels{0, 1, 1}, Log2Levels{2, 0, 9}}) {
    for_each_variant<QuantizeLog2Fn>(
        [&](const char*, const char* name, QuantizeLog2Fn* function, QuantizeLog2Fn* reference) {
          INFO(name);
          for (const size_t n : {x.size(), size_t{7}, size_t{8}, size_t{23}}) {
            std::vector<int16_t> got(n), expected(n);
            function(x.data(), n, levels, got.data());
            reference(x.data(), n, levels, expected.data());
            REQUIRE(got == expected);
            for (size_t i = 0; i < n; ++i) REQUIRE(got[i] == level_by_comparison(x[i], levels));
          }
        });
  }
}
