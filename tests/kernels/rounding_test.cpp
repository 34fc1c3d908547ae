// Rounding to codes: variants against the reference, and that against the definition.
#include "kernels/rounding/rounding.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "kernels/dispatch.h"
#include "tests/kernels/random.h"

using namespace octet::kernels;
using namespace octet::kernels::test;

namespace {
CodeGrid random_grid(Random& random) {
  const int lo = random.chance() ? 0 : -127;
  const int hi = lo + random.integer(15, 254);
  return {
      .scale = random.real(0.001f, 2.0f), .zero_point = random.integer(lo, hi), .lo = lo, .hi = hi};
}

// Numbers of codes, between codes, next to ties, and beyond what codes reach.
std::vector<float> telling_values(Random& random, const CodeGrid& grid, size_t n) {
  std::vector<float> x;
  while (x.size() < n) {
    const auto steps = static_cast<float>(random.integer(-300, 300)) + 0.5f;
    const float tie = steps * grid.scale;
    const float values[] = {tie, std::nextafter(tie, INFINITY), std::nextafter(tie, -INFINITY),
                            random.real(-3, 3), 0.0f};
    x.push_back(values[random.integer(0, 4)]);
  }
  return x;
}
} // namespace

TEST_CASE("numbers are rounded to the same codes, and lose the same, in every variant") {
  Random random(8);
  for (const size_t n : {size_t{0}, size_t{1}, size_t{15}, size_t{16}, size_t{50}, size_t{333}}) {
    const CodeGrid grid = random_grid(random);
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
  const CodeGrid grid{.scale = 0.5f, .zero_point = 10, .lo = 0, .hi = 15};
  // Halves of steps go to even ones.
  const std::vector<float> x = {0, 0.25f, 0.75f, -0.25f, 2.5f, 2.75f, 3, -5, -5.5f};
  std::vector<uint8_t> codes(x.size());
  RoundingLoss loss;
  round_to_codes(x.data(), x.size(), grid, codes.data(), loss);
  CHECK(codes == std::vector<uint8_t>{10, 10, 12, 10, 15, 15, 15, 0, 0});
  CHECK(loss.clipped == 2); // 3 and −5.5; 2.75 is half a step off
  CHECK(loss.noise == Approx(4 * 0.0625 + 0.25 + 0.25));
  const CodeGrid negative{.scale = 1, .zero_point = 0, .lo = -127, .hi = 127};
  const float below = -200;
  round_to_codes(&below, 1, negative, codes.data(), loss);
  CHECK(codes[0] == 129); // −127
}
