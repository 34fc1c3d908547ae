// Softmax: variants against double precision.
#include "kernels/softmax/softmax.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <string_view>

#include "kernels/dispatch.h"
#include "tests/kernels/random.h"

using namespace octet::kernels;
using namespace octet::kernels::test;

namespace {

void check(std::string_view family, const AxisShape& shape, const std::vector<float>& x,
           const std::vector<float>& y) {
  for (size_t o = 0; o < shape.outer; ++o)
    for (size_t i = 0; i < shape.inner; ++i) {
      const auto at = [&](size_t k) { return (o * shape.axis + k) * shape.inner + i; };
      double max = -std::numeric_limits<double>::infinity(), sum = 0;
      for (size_t k = 0; k < shape.axis; ++k) max = std::max<double>(max, x[at(k)]);
      for (size_t k = 0; k < shape.axis; ++k) sum += std::exp(x[at(k)] - max);
      for (size_t k = 0; k < shape.axis; ++k) {
        const double distance = x[at(k)] - max;
        if (family == "softmax_f32") {
          const double expected = std::exp(distance) / sum;
          const double bound = expected * (0x1p-20 + std::min(-distance, 1e3) * 0x1p-23);
          REQUIRE(std::abs(y[at(k)] - expected) <= std::max(bound, 0x1p-126));
        } else if (std::isinf(distance)) {
          REQUIRE(static_cast<double>(y[at(k)]) == distance);
        } else {
          const double expected = distance - std::log(sum);
          REQUIRE(std::abs(y[at(k)] - expected) <= (1 + std::abs(distance)) * 0x1p-20);
        }
      }
    }
}

} // namespace

TEST_CASE("softmax along any axis") {
  Random random(42);
  for_each_variant<SoftmaxFn>(
      [&](const char* family, const char* name, SoftmaxFn* function, SoftmaxFn* reference) {
        INFO(name);
        for (int i = 0; i < 80; ++i) {
          const AxisShape shape{.outer = random.size(1, 3),
                                .axis = random.size(1, 40),
                                .inner = random.chance() ? 1 : random.size(1, 11)};
          const float reach = random.chance() ? 4.0f : 200.0f;
          auto x = random.reals(shape.outer * shape.axis * shape.inner, -reach, reach);
          // A mask, but not over a whole row.
          if (random.chance() && shape.axis > 1)
            x[random.size(0, x.size() - 1)] = -std::numeric_limits<float>::infinity();
          std::vector<float> y(x.size());
          function({shape, x.data(), y.data()});
          check(family, shape, x, y);
          y = x;
          function({shape, y.data(), y.data()});
          check(family, shape, x, y);
          reference({shape, x.data(), y.data()});
          check(family, shape, x, y);
        }
      });
}

TEST_CASE("scores are scaled and masked before their softmax") {
  Random random(43);
  for_each_variant<ScoreSoftmaxFn>(
      [&](const char*, const char* name, ScoreSoftmaxFn* function, ScoreSoftmaxFn* reference) {
        INFO(name);
        for (int i = 0; i < 80; ++i) {
          const size_t rows = random.size(1, 4), columns = random.size(1, 40);
          const bool has_mask = random.chance(), has_rows = random.chance();
          const auto x = random.reals(rows * columns, -8, 8);
          const auto mask = random.reals((has_rows ? rows : 1) * columns, -8, 8);
          const float scale = random.real(0.1f, 2.0f);
          std::vector<float> scores(x);
          for (size_t k = 0; k < x.size(); ++k)
            scores[k] = x[k] * scale + (has_mask ? mask[k % mask.size()] : 0.0f);
          for (ScoreSoftmaxFn* run : {function, reference}) {
            std::vector<float> y(x);
            run({.rows = rows,
                 .columns = columns,
                 .x = y.data(),
                 .scale = scale,
                 .mask = has_mask ? mask.data() : nullptr,
                 .mask_stride = has_rows ? columns : 0});
            check("softmax_f32", {.outer = rows, .axis = columns}, scores, y);
          }
        }
      });
}

TEST_CASE("softmax of what is masked is zero") {
  const float masked = std::numeric_limits<float>::lowest();
  const float x[] = {1, masked, 1, -std::numeric_limits<float>::infinity(), masked};
  float y[5];
  softmax_f32({{.axis = 5}, x, y});
  REQUIRE(y[0] == 0.5f);
  REQUIRE(y[1] == 0.0f);
  REQUIRE(y[2] == 0.5f);
  REQUIRE(y[3] == 0.0f);
  REQUIRE(y[4] == 0.0f);
}
