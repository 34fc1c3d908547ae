// Counting in bins, and the range before it: variants against the reference, and that against the
// definition.
#include "kernels/histogram/histogram.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include "kernels/dispatch.h"
#include "tests/kernels/random.h"

using namespace octet::kernels;
using namespace octet::kernels::test;

namespace {
std::vector<uint32_t> sums(const std::vector<uint32_t>& tables) {
  std::vector<uint32_t> out(tables.size() / kCountTables);
  for (size_t i = 0; i < tables.size(); ++i) out[i % out.size()] += tables[i];
  return out;
}

// Whether x lies in [bin, bin + 1) · 2^exponent.
bool is_in(float x, int64_t bin, int exponent) {
  const auto edge = [&](int64_t of) { return std::ldexp(static_cast<double>(of), exponent); };
  return edge(bin) <= double{x} && double{x} < edge(bin + 1);
}

// Edges of bins and what is next to them, numbers too small for any bin but those beside 0, and
// many in one bin.
std::vector<float> telling_values(Random& random, const BinRange& bins) {
  std::vector<float> x(100, 0.0f);
  x.insert(x.end(), {-0.0f, 1e-45f, -1e-45f, 1e-38f, -1e-38f});
  for (int i = 0; i < 1000; ++i) {
    const auto bin = bins.first + static_cast<int32_t>(random.integer(1, 4094));
    const float edge = std::ldexp(static_cast<float>(bin), bins.exponent);
    x.insert(x.end(), {edge, std::nextafter(edge, INFINITY), std::nextafter(edge, -INFINITY)});
  }
  return x;
}
} // namespace

TEST_CASE("values are counted in the bins that hold them, in every variant") {
  Random random(15);
  for (const BinRange bins : {BinRange{-126, -2048, 4096}, BinRange{-9, -1000, 4096},
                              BinRange{0, -4095, 4096}, BinRange{115, -2000, 4096}}) {
    const auto x = telling_values(random, bins);
    for_each_variant<CountBinsFn>(
        [&](const char*, const char* name, CountBinsFn* function, CountBinsFn* reference) {
          INFO(name);
          for (const size_t n : {x.size(), size_t{107}, size_t{4}, size_t{3}, size_t{0}}) {
            std::vector<uint32_t> got(kCountTables * bins.count), expected(got.size());
            function(x.data(), n, bins, got.data());
            reference(x.data(), n, bins, expected.data());
            REQUIRE(sums(got) == sums(expected));
          }
          for (const float value : x) {
            std::vector<uint32_t> tables(kCountTables * bins.count);
            function(&value, 1, bins, tables.data());
            const auto counts = sums(tables);
            const auto bin = std::find(counts.begin(), counts.end(), 1) - counts.begin();
            REQUIRE(std::count(counts.begin(), counts.end(), 0) == 4095);
            REQUIRE(is_in(value, bins.first + bin, bins.exponent));
          }
        });
  }
}

TEST_CASE("the range of finite values is found, and what is not finite is noticed wherever it is") {
  Random random(16);
  for_each_variant<FiniteRangeFn>(
      [&](const char*, const char* name, FiniteRangeFn* function, FiniteRangeFn*) {
        INFO(name);
        for (const float sign : {-1.0f, 0.0f, 1.0f}) {
          for (size_t n = 0; n < 40; ++n) {
            auto x = random.reals(n, sign - 1, sign + 1);
            if (n > 3) x[n / 2] = -0.0f;
            if (n > 30) x[n / 3] = 1e-45f * sign;
            const FiniteRange range = function(x.data(), n);
            x.push_back(0);
            REQUIRE(range.is_finite);
            REQUIRE(range.min == *std::min_element(x.begin(), x.end()));
            REQUIRE(range.max == *std::max_element(x.begin(), x.end()));
            REQUIRE_FALSE((range.min == 0 && std::signbit(range.min)));
            REQUIRE_FALSE((range.max == 0 && std::signbit(range.max)));
          }
        }
        for (const float bad : {INFINITY, -INFINITY, NAN, -NAN}) {
          for (size_t i = 0; i < 21; ++i) {
            auto x = random.reals(21, -1, 1);
            x[i] = bad;
            REQUIRE_FALSE(function(x.data(), x.size()).is_finite);
          }
        }
        const std::vector<float> ends = {3.4e38f, -3.4e38f, 1, 1, 1, 1, 1, 1, 1};
        REQUIRE(function(ends.data(), ends.size()).is_finite);
      });
}
