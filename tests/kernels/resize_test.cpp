// Resizing: variants against their references, drivers against index arithmetic.
#include "kernels/resize/resize.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "kernels/dispatch.h"
#include "tests/kernels/random.h"

using namespace octet::kernels;
using namespace octet::kernels::test;

namespace {

ResizeShape random_shape(Random& random) {
  return {.batch = random.size(1, 2),
          .in_h = random.size(1, 6),
          .in_w = random.size(1, 6),
          .out_h = random.size(1, 11),
          .out_w = random.size(1, 11),
          .channels = random.chance() ? 1 : random.size(1, 19)};
}

std::vector<uint32_t> positions(Random& random, size_t n, size_t size) {
  return random.integers<uint32_t>(n, 0, static_cast<int>(size) - 1);
}

struct AxisTable {
  std::vector<uint32_t> first, second;
  std::vector<float> weight;

  AxisTable(Random& random, size_t out, size_t in)
      : first(positions(random, out, in)), second(positions(random, out, in)),
        weight(random.reals(out, 0, 1)) {}
  LinearAxis view() const { return {first.data(), second.data(), weight.data()}; }
};

double mix(double a, double b, double weight) {
  return a * (1 - weight) + b * weight;
}

} // namespace

TEST_CASE("linear resizing blends four neighbours") {
  Random random(61);
  for (int i = 0; i < 200; ++i) {
    const ResizeShape s = random_shape(random);
    const AxisTable rows(random, s.out_h, s.in_h), columns(random, s.out_w, s.in_w);
    const auto x = random.reals(s.batch * s.in_h * s.in_w * s.channels, -1, 1);
    std::vector<float> y(s.batch * s.out_h * s.out_w * s.channels);
    std::vector<int64_t> scratch(resize_linear_scratch_bytes(s) / sizeof(int64_t));
    const ResizeLinear args{s, rows.view(), columns.view(), x.data(), y.data()};
    const size_t all_rows = s.batch * s.out_h, split = random.size(0, all_rows);
    resize_linear_f32(args, split, all_rows, scratch.data());
    resize_linear_f32(args, 0, split, scratch.data());
    for (size_t at = 0; at < y.size(); ++at) {
      const size_t c = at % s.channels, ox = at / s.channels % s.out_w;
      const size_t oy = at / s.channels / s.out_w % s.out_h;
      const size_t image = at / s.channels / s.out_w / s.out_h;
      const auto read = [&](size_t iy, size_t ix) {
        return static_cast<double>(x[((image * s.in_h + iy) * s.in_w + ix) * s.channels + c]);
      };
      const auto column = [&](size_t ix) {
        return mix(read(rows.first[oy], ix), read(rows.second[oy], ix), rows.weight[oy]);
      };
      const double expected =
          mix(column(columns.first[ox]), column(columns.second[ox]), columns.weight[ox]);
      REQUIRE(std::abs(y[at] - expected) <= 1e-6);
    }
  }
}

TEST_CASE("linear resizing kernels equal their references") {
  Random random(62);
  for_each_variant<LinearRowFn>(
      [&](const char*, const char* name, LinearRowFn* function, LinearRowFn* reference) {
        INFO(name);
        for (int i = 0; i < 200; ++i) {
          const ResizeShape s = random_shape(random);
          const AxisTable columns(random, s.out_w, s.in_w);
          const size_t in = s.in_w * s.channels;
          const auto first = random.reals(in, -1, 1), second = random.reals(in, -1, 1);
          std::vector<float> blend(in), got(s.out_w * s.channels), expected(got.size());
          LinearRow row{.first = first.data(),
                        .second = second.data(),
                        .weight = random.real(0, 1),
                        .in_elements = in,
                        .blend = blend.data(),
                        .channels = s.channels,
                        .out_w = s.out_w,
                        .columns = columns.view()};
          row.y = got.data();
          function(row);
          row.y = expected.data();
          reference(row);
          REQUIRE(got == expected);
        }
      });
}

TEST_CASE("nearest resizing picks pixels of any size") {
  Random random(63);
  for (int i = 0; i < 300; ++i) {
    const ResizeShape s = random_shape(random);
    const auto rows = positions(random, s.out_h, s.in_h),
               columns = positions(random, s.out_w, s.in_w);
    const size_t bytes = size_t{1} << random.size(0, 3), pixel = s.channels * bytes;
    const auto x = random.integers<char>(s.batch * s.in_h * s.in_w * pixel, -128, 127);
    std::vector<char> y(s.batch * s.out_h * s.out_w * pixel);
    const ResizeNearest args{s, rows.data(), columns.data(), bytes, x.data(), y.data()};
    const size_t all_rows = s.batch * s.out_h, split = random.size(0, all_rows);
    resize_nearest(args, split, all_rows);
    resize_nearest(args, 0, split);
    for (size_t at = 0; at < y.size(); ++at) {
      const size_t ox = at / pixel % s.out_w, oy = at / pixel / s.out_w % s.out_h;
      const size_t image = at / pixel / s.out_w / s.out_h;
      const size_t from = ((image * s.in_h + rows[oy]) * s.in_w + columns[ox]) * pixel + at % pixel;
      REQUIRE(y[at] == x[from]);
    }
  }
}
