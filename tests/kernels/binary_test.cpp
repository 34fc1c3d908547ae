// Functions of two floats: variants against their references, broadcasting against index
// arithmetic.
#include "kernels/eltwise/binary.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <string_view>

#include "kernels/dispatch.h"
#include "tests/kernels/random.h"

using namespace octet::kernels;
using namespace octet::kernels::test;

namespace {

bool yields_bool(std::string_view family) {
  return family.starts_with("equal") || family.starts_with("less") || family.starts_with("greater");
}

/// Small whole and half numbers, so that equals, zeros and the exponents 2 and 3 are frequent.
std::vector<float> values(Random& random, size_t n) {
  std::vector<float> x(n);
  for (float& value : x) {
    value = static_cast<float>(random.integer(-6, 8)) * 0.5f;
    if (random.integer(0, 30) == 0) value = std::numeric_limits<float>::quiet_NaN();
    if (random.integer(0, 30) == 0) value = std::numeric_limits<float>::infinity();
  }
  return x;
}

/// Equal bit for bit but for the bits of a NaN and one rounding of a power.
bool is_same(float got, float expected) {
  if (std::isnan(expected)) return std::isnan(got);
  return got == expected || std::abs(got - expected) <= std::abs(expected) * 0x1p-22f;
}

template <class T>
void check_rows(Random& random, BinaryFn* function, BinaryFn* reference) {
  for (size_t columns = 1; columns < 40; ++columns) {
    const int form = random.integer(0, 2);
    const size_t rows = random.size(1, 3);
    const size_t pitch = columns + random.size(0, 2);
    const auto a = values(random, form == 1 ? rows : (rows - 1) * pitch + columns);
    const auto b = values(random, form == 2 ? rows : columns);
    std::vector<T> got(rows * columns), expected(rows * columns);
    BinaryRows args{.rows = rows,
                    .columns = columns,
                    .a = a.data(),
                    .b = b.data(),
                    .a_stride = form == 1 ? 1 : static_cast<ptrdiff_t>(pitch),
                    .b_stride = form == 2 ? 1 : 0,
                    .y_stride = static_cast<ptrdiff_t>(columns),
                    .a_repeats = form == 1,
                    .b_repeats = form == 2};
    args.y = got.data();
    function(args);
    args.y = expected.data();
    reference(args);
    for (size_t i = 0; i < got.size(); ++i) REQUIRE(is_same(got[i], expected[i]));
  }
}

} // namespace

TEST_CASE("functions of two floats equal their references") {
  Random random(22);
  for_each_variant<BinaryFn>(
      [&](const char* family, const char* name, BinaryFn* function, BinaryFn* reference) {
        INFO(name);
        for (int i = 0; i < 20; ++i) {
          if (yields_bool(family))
            check_rows<uint8_t>(random, function, reference);
          else
            check_rows<float>(random, function, reference);
        }
      });
}

TEST_CASE("functions of two floats broadcast") {
  Random random(23);
  for (int i = 0; i < 300; ++i) {
    const size_t rank = random.size(0, 5);
    BinaryNest nest;
    std::vector<size_t> size(rank);
    std::vector<int> repeated(rank); // operand that repeats along the axis, or none
    std::vector<ptrdiff_t> stride_a(rank), stride_b(rank);
    ptrdiff_t count_a = 1, count_b = 1, count = 1;
    for (size_t d = rank; d-- > 0;) {
      size[d] = random.size(1, 5);
      repeated[d] = random.integer(0, 2);
      stride_a[d] = repeated[d] == 1 ? 0 : count_a;
      stride_b[d] = repeated[d] == 2 ? 0 : count_b;
      const auto n = static_cast<ptrdiff_t>(size[d]);
      if (repeated[d] != 1) count_a *= n;
      if (repeated[d] != 2) count_b *= n;
      count *= n;
    }
    ptrdiff_t pitch = count;
    for (size_t d = 0; d < rank; ++d) {
      pitch /= static_cast<ptrdiff_t>(size[d]);
      nest.add_inner(size[d], {stride_a[d], stride_b[d], pitch});
    }
    const auto a = random.reals(static_cast<size_t>(count_a), -1, 1);
    const auto b = random.reals(static_cast<size_t>(count_b), -1, 1);
    std::vector<float> difference(static_cast<size_t>(count));
    std::vector<uint8_t> less(static_cast<size_t>(count));
    binary_f32(Binary::sub, nest, a.data(), b.data(), difference.data());
    binary_f32(Binary::less, nest, a.data(), b.data(), less.data());
    for (size_t at = 0; at < static_cast<size_t>(count); ++at) {
      size_t rest = at;
      ptrdiff_t at_a = 0, at_b = 0;
      for (size_t d = rank; d-- > 0;) {
        const auto index = static_cast<ptrdiff_t>(rest % size[d]);
        rest /= size[d];
        at_a += index * stride_a[d];
        at_b += index * stride_b[d];
      }
      const float left = a[static_cast<size_t>(at_a)], right = b[static_cast<size_t>(at_b)];
      REQUIRE(difference[at] == left - right);
      REQUIRE(less[at] == (left < right));
    }
  }
}

TEST_CASE("functions of two floats leave an empty output alone") {
  BinaryNest nest;
  nest.add_inner(3, {0, 1, 0});
  nest.add_inner(0, {1, 0, 1});
  binary_f32(Binary::add, nest, nullptr, nullptr, nullptr);
}

TEST_CASE("functions of two floats work in place") {
  Random random(24);
  auto x = random.reals(77, -1, 1);
  const auto before = x;
  const auto b = random.reals(7, -1, 1);
  BinaryNest nest;
  nest.add_inner(11, {7, 0, 7});
  nest.add_inner(7, {1, 1, 1});
  binary_f32(Binary::mul, nest, x.data(), b.data(), x.data());
  for (size_t i = 0; i < x.size(); ++i) REQUIRE(x[i] == before[i] * b[i % 7]);
}
