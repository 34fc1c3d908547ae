// Comparisons of two tensors: variants against the reference, the reference against plain sums.
#include "kernels/compare/compare.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "kernels/dispatch.h"
#include "tests/kernels/random.h"

using namespace octet::kernels;
using namespace octet::kernels::test;

TEST_CASE("sums over two tensors are the same in all variants") {
  Random random(42);
  for (size_t count = 0; count < 40; ++count) {
    const auto r = random.reals(count, -3, 4), c = random.reals(count, -3, 4);
    DifferenceSums expected, got;
    sum_differences(r.data(), c.data(), count, expected);
    sum_differences_f32(r.data(), c.data(), count, got);
    CHECK(got.signal == Approx(expected.signal).epsilon(1e-12));
    CHECK(got.candidate == Approx(expected.candidate).epsilon(1e-12));
    CHECK(got.product == Approx(expected.product).epsilon(1e-12).margin(1e-12));
    CHECK(got.noise == Approx(expected.noise).epsilon(1e-12));
    CHECK(got.largest == expected.largest);
  }
}

TEST_CASE("sums of the largest floats stay finite") {
  const std::vector<float> r(5, std::numeric_limits<float>::max()), c(5, 0.0f);
  DifferenceSums sums;
  sum_differences_f32(r.data(), c.data(), r.size(), sums);
  CHECK(sums.noise == Approx(5 * std::pow(double{r[0]}, 2)));
  CHECK(sums.largest == double{r[0]});
}

TEST_CASE("rows with the same largest element are counted") {
  const std::vector<float> r = {1, 5, 3, 5, /**/ 2, 2, 0, 1}, c = {0, 9, 1, 9, /**/ 0, 4, 0, 1};
  size_t same = 0;
  for (size_t row = 0; row < 2; ++row) same += count_same_tops_f32(&r[row * 4], &c[row * 4], 4, 1);
  CHECK(same == 1);
  // The same numbers as [width 4, channels 2].
  CHECK(count_same_tops_f32(r.data(), c.data(), 4, 2) == 2);
  Random random(42);
  for (size_t channels = 1; channels < 11; ++channels)
    for (const size_t width : {size_t{1}, size_t{2}, size_t{7}}) {
      auto a = random.reals(width * channels, -1, 1);
      const auto b = random.reals(width * channels, -1, 1);
      a[random.size(0, a.size() - 1)] = std::numeric_limits<float>::quiet_NaN();
      CHECK(count_same_tops_f32(a.data(), b.data(), width, channels) ==
            count_same_tops(a.data(), b.data(), width, channels));
    }
}
