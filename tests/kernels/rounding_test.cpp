// Rounding to codes: variants against the reference, and that against the definition.
#include "kernels/rounding/rounding.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "kernels/dispatch.h"
#include "tests/kernels/random.h"

using namespace octet::kernels;
using namespace octet::kernels::test;

namespace {
// Owns the arrays of a grid for n numbers.
struct GridOperands {
  GridOperands(Random& random, size_t n)
      : lo(random.chance() ? 0 : -127), scales(random.reals(n + 1, 0.001f, 2.0f)),
        zero_points(random.integers<int32_t>(n + 1, lo, lo + 15)) {
    grid = {scales.data(), zero_points.data(), random.chance(), lo, lo + random.integer(15, 254)};
  }

  int lo;
  std::vector<float> scales;
  std::vector<int32_t> zero_points;
  CodeGrid grid;
};

// Numbers of codes, between codes, next to ties, and beyond what codes reach.
std::vector<float> telling_values(Random& random, const CodeGrid& grid, size_t n) {
  std::vector<float> x;
  while (x.size() < n) {
    const auto steps = static_cast<float>(random.integer(-300, 300)) + 0.5f;
    const float tie = steps * grid.scales[grid.by_number ? x.size() : 0];
    const float values[] = {tie, std::nextafter(tie, INFINITY), std::nextafter(tie, -INFINITY),
                            random.real(-3, 3), 0.0f};
    x.push_back(values[random.integer(0, 4)]);
  }
  return x;
}
} // namespace

TEST_CASE("numbers are rounded to the same codes, and lose the same, in every variant") {
  Random random(8);
  for (size_t round = 0; round < 60; ++round) {
    const size_t n = random.size(0, 100);
    const GridOperands operands(random, n);
    const CodeGrid& grid = operands.grid;
    const auto x = telling_values(random, grid, n);
    for_each_variant<RoundToCodesFn>(
        [&](const char*, const char* name, RoundToCodesFn* function, RoundToCodesFn* reference) {
          INFO(name);
          std::vector<uint8_t> got(n + 1, 77), expected(n + 1, 77);
          RoundingLoss loss{1, 2, 3}, expected_loss{1, 2, 3};
          function(x.data(), n, grid, got.data(), loss);
          reference(x.data(), n, grid, expected.data(), expected_loss);
          CHECK(got == expected);
          CHECK(loss.signal == Approx(expected_loss.signal).epsilon(1e-12));
          CHECK(loss.noise == Approx(expected_loss.noise).epsilon(1e-12));
          CHECK(loss.clipped == expected_loss.clipped);
        });
  }
}

TEST_CASE("codes are the nearest in their range, and what is beyond counts as clipped") {
  const float half = 0.5f;
  const int32_t ten = 10;
  const CodeGrid grid{.scales = &half, .zero_points = &ten, .lo = 0, .hi = 15};
  // Halves of steps go to even ones.
  const std::vector<float> x = {0, 0.25f, 0.75f, -0.25f, 2.5f, 2.75f, 3, -5, -5.5f};
  std::vector<uint8_t> codes(x.size());
  RoundingLoss loss;
  round_to_codes(x.data(), x.size(), grid, codes.data(), loss);
  CHECK(codes == std::vector<uint8_t>{10, 10, 12, 10, 15, 15, 15, 0, 0});
  CHECK(loss.clipped == 2); // 3 and −5.5; 2.75 is half a step off
  CHECK(loss.noise == Approx(4 * 0.0625 + 0.25 + 0.25));
  const float scales[] = {1, 2};
  const int32_t zeros[] = {0, -5};
  const CodeGrid by_number{
      .scales = scales, .zero_points = zeros, .by_number = true, .lo = -127, .hi = 127};
  const std::vector<float> pair = {-200, 8};
  round_to_codes(pair.data(), 2, by_number, codes.data(), loss);
  CHECK(codes[0] == 129); // −127
  CHECK(codes[1] == 255); // −1
}
