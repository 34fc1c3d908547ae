// Products of one vector: variants against double precision.
#include "kernels/rows_f32/rows_f32.h"

#include <catch2/catch.hpp>
#include <string_view>

#include "kernels/dispatch.h"
#include "tests/kernels/random.h"

using namespace octet::kernels;
using namespace octet::kernels::test;

namespace {

void check(std::string_view family, RowProductF32Fn* function, Random& random) {
  const bool dots = family == "dot_rows_f32";
  const size_t rows = random.size(1, 40), columns = random.size(1, 40),
               stride = columns + random.size(0, 3);
  const auto matrix = random.reals((rows - 1) * stride + columns, -1, 1),
             x = random.reals(dots ? columns : rows, -1, 1);
  std::vector<float> y(dots ? rows : columns);
  function({.rows = rows,
            .columns = columns,
            .matrix = matrix.data(),
            .stride = stride,
            .x = x.data(),
            .y = y.data()});
  for (size_t i = 0; i < y.size(); ++i) {
    double sum = 0;
    for (size_t j = 0; j < x.size(); ++j)
      sum += double{x[j]} * double{matrix[dots ? i * stride + j : j * stride + i]};
    REQUIRE(y[i] == Approx(sum).epsilon(1e-6).margin(2e-6));
  }
}

} // namespace

TEST_CASE("products of one vector with a matrix that is not packed") {
  Random random(51);
  for_each_variant<RowProductF32Fn>([&](const char* family, const char* name,
                                        RowProductF32Fn* function, RowProductF32Fn* reference) {
    INFO(name);
    for (int i = 0; i < 200; ++i) {
      check(family, function, random);
      check(family, reference, random);
    }
  });
}
