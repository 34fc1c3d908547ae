// Reductions: variants against sums in double precision.
#include "kernels/reduce/reduce.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <string_view>

#include "kernels/dispatch.h"
#include "tests/kernels/random.h"

using namespace octet::kernels;
using namespace octet::kernels::test;

namespace {

/// The fold in double precision and Σ |term|, to which errors of sums are relative.
struct Folded {
  double value, weight;
};

Folded fold(std::string_view family, float initial, const std::vector<float>& terms) {
  Folded out{initial, std::abs(initial)};
  for (const double x : terms) {
    if (family == "reduce_sum_f32") out.value += x;
    if (family == "reduce_sum_abs_f32") out.value += std::abs(x);
    if (family == "reduce_sum_square_f32") out.value += x * x;
    if (family == "reduce_product_f32") out.value *= x;
    if (family == "reduce_max_f32") out.value = std::isnan(x) ? x : std::max(x, out.value);
    if (family == "reduce_min_f32") out.value = std::isnan(x) ? x : std::min(x, out.value);
    if (family == "reduce_sum_square_f32")
      out.weight += x * x;
    else
      out.weight += std::abs(x);
    if (std::isnan(out.value)) return out;
  }
  if (family == "reduce_product_f32") out.weight = std::abs(out.value);
  return out;
}

void check(std::string_view family, ReduceFn* function, const AxisShape& shape, Random& random) {
  // Products of many numbers near 1 stay in range.
  const bool is_product = family == "reduce_product_f32";
  auto x = random.reals(shape.outer * shape.axis * shape.inner, is_product ? 0.7f : -3.0f,
                        is_product ? 1.3f : 4.0f);
  const bool is_extreme = family == "reduce_max_f32" || family == "reduce_min_f32";
  if (is_extreme && random.chance() && !x.empty())
    x[random.size(0, x.size() - 1)] = std::numeric_limits<float>::quiet_NaN();
  const auto initial = random.reals(shape.outer * shape.inner, 0.5f, 2.0f);
  auto y = initial;
  function(shape, x.data(), y.data());
  for (size_t o = 0; o < shape.outer; ++o)
    for (size_t i = 0; i < shape.inner; ++i) {
      std::vector<float> terms;
      for (size_t k = 0; k < shape.axis; ++k)
        terms.push_back(x[(o * shape.axis + k) * shape.inner + i]);
      const size_t at = o * shape.inner + i;
      const Folded expected = fold(family, initial[at], terms);
      if (std::isnan(expected.value)) {
        REQUIRE(std::isnan(y[at]));
        continue;
      }
      const double slack =
          is_extreme ? 0 : expected.weight * static_cast<double>(shape.axis + 2) * 0x1p-24;
      REQUIRE(std::abs(y[at] - expected.value) <= slack);
    }
}

} // namespace

TEST_CASE("reductions fold along their axis") {
  Random random(41);
  for_each_variant<ReduceFn>(
      [&](const char* family, const char* name, ReduceFn* function, ReduceFn* reference) {
        INFO(name);
        for (int i = 0; i < 60; ++i) {
          const AxisShape shape{.outer = random.size(0, 3),
                                .axis = random.size(0, 50),
                                .inner = random.chance() ? 1 : random.size(0, 40)};
          check(family, function, shape, random);
          check(family, reference, shape, random);
        }
      });
}

TEST_CASE("reductions start from their neutral element") {
  const float x[] = {-2, 3, 0.5f};
  const auto reduce = [&](Reduction op) {
    float y = reduce_initial(op);
    reduce_f32(op, {.axis = 3}, x, &y);
    return y;
  };
  REQUIRE(reduce(Reduction::sum) == 1.5f);
  REQUIRE(reduce(Reduction::sum_abs) == 5.5f);
  REQUIRE(reduce(Reduction::sum_square) == 13.25f);
  REQUIRE(reduce(Reduction::product) == -3.0f);
  REQUIRE(reduce(Reduction::max) == 3.0f);
  REQUIRE(reduce(Reduction::min) == -2.0f);
}
