// Functions of codes: variants against their references bit by bit, drivers against the formulas.
#include "kernels/qeltwise/qeltwise.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include "kernels/dispatch.h"
#include "tests/kernels/random.h"

using namespace octet::kernels;
using namespace octet::kernels::test;

namespace {

std::vector<int16_t> codes(Random& random, size_t n) {
  return random.integers<int16_t>(n, -255, 255);
}

QBinaryParams random_params(Random& random) {
  const int low = random.integer(-255, 0);
  const bool is_huge = random.integer(0, 9) == 0;
  return {.a_scale = random.real(0.001f, 2.0f) * (is_huge ? 1e6f : 1.0f),
          .b_scale = random.real(-2.0f, 2.0f),
          .lo = static_cast<float>(low),
          .hi = static_cast<float>(low + random.integer(0, 255))};
}

int16_t expected_code(float x, const QBinaryParams& p) {
  return static_cast<int16_t>(std::clamp(std::nearbyint(x), p.lo, p.hi));
}

} // namespace

TEST_CASE("functions of two codes equal their references") {
  Random random(61);
  for_each_variant<QBinaryFn>(
      [&](const char*, const char* name, QBinaryFn* function, QBinaryFn* reference) {
        INFO(name);
        for (size_t i = 0; i < 400; ++i) {
          const size_t columns = 1 + i % 40, rows = random.size(1, 3), pitch = columns + i % 3;
          const int form = random.integer(0, 3);
          const bool a_repeats = (form & 1) != 0, b_repeats = (form & 2) != 0;
          const auto a = codes(random, a_repeats ? rows : (rows - 1) * pitch + columns);
          const auto b = codes(random, b_repeats ? rows : columns);
          std::vector<int16_t> got(rows * columns), expected(rows * columns);
          QBinaryRows args{.rows = rows,
                           .columns = columns,
                           .a = a.data(),
                           .b = b.data(),
                           .y = got.data(),
                           .a_stride = a_repeats ? 1 : static_cast<ptrdiff_t>(pitch),
                           .b_stride = b_repeats ? 1 : 0,
                           .y_stride = static_cast<ptrdiff_t>(columns),
                           .a_repeats = a_repeats,
                           .b_repeats = b_repeats};
          const QBinaryParams params = random_params(random);
          function(args, params);
          args.y = expected.data();
          reference(args, params);
          REQUIRE(got == expected);
        }
      });
}

TEST_CASE("sums of codes equal their references") {
  Random random(62);
  for_each_variant<QAccumulateFn>(
      [&](const char*, const char* name, QAccumulateFn* function, QAccumulateFn* reference) {
        INFO(name);
        for (size_t n = 1; n < 60; ++n)
          for (const size_t rows : {size_t{1}, size_t{7}, size_t{300}}) {
            auto x = codes(random, rows * n);
            if (random.chance()) std::fill(x.begin(), x.end(), random.chance() ? 255 : -255);
            auto got = random.integers<int32_t>(n, -100000, 100000), expected = got;
            function(x.data(), rows, n, got.data());
            reference(x.data(), rows, n, expected.data());
            REQUIRE(got == expected);
          }
      });
}

TEST_CASE("codes are added and multiplied under new scales, broadcast") {
  Random random(63);
  for (int i = 0; i < 100; ++i) {
    const size_t rows = random.size(1, 9), columns = random.size(1, 50);
    const auto a = codes(random, rows * columns), b = codes(random, columns);
    const QBinaryParams params = random_params(random);
    QBinaryNest nest;
    nest.add_inner(rows, {static_cast<ptrdiff_t>(columns), 0, static_cast<ptrdiff_t>(columns)});
    nest.add_inner(columns, {1, 1, 1});
    std::vector<int16_t> sum(a.size()), product(a.size());
    qs16_add(nest, a.data(), b.data(), sum.data(), params);
    qs16_mul(nest, a.data(), b.data(), product.data(), params);
    for (size_t at = 0; at < a.size(); ++at) {
      const auto x = static_cast<float>(a[at]), y = static_cast<float>(b[at % columns]);
      const float scaled_x = x * params.a_scale, scaled_y = y * params.b_scale;
      REQUIRE(sum[at] == expected_code(scaled_x + scaled_y, params));
      REQUIRE(product[at] == expected_code(x * y * params.a_scale, params));
    }
  }
}

TEST_CASE("a table is a function of codes") {
  Random random(64);
  for (size_t n = 0; n < 40; ++n) {
    const int low = random.integer(-255, 0);
    const auto table = codes(random, 256);
    auto x = random.integers<int16_t>(n, low, low + 255);
    std::vector<int16_t> expected;
    for (int16_t code : x) expected.push_back(table[static_cast<size_t>(code - low)]);
    qs16_lookup(x.data(), n, table.data(), low, x.data());
    REQUIRE(x == expected);
  }
}

TEST_CASE("means of codes") {
  Random random(65);
  for (int i = 0; i < 50; ++i) {
    const size_t rows = random.size(1, 60), columns = random.size(1, 40);
    const auto x = codes(random, rows * columns);
    QBinaryParams params = random_params(random);
    params.a_scale /= static_cast<float>(rows);
    std::vector<int16_t> y(columns);
    std::vector<int32_t> sums(columns, 7);
    qs16_mean(x.data(), rows, columns, params, y.data(), sums.data());
    for (size_t c = 0; c < columns; ++c) {
      int sum = 0;
      for (size_t r = 0; r < rows; ++r) sum += x[r * columns + c];
      REQUIRE(y[c] == expected_code(static_cast<float>(sum) * params.a_scale, params));
    }
  }
}
