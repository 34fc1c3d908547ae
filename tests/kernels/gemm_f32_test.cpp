// The float matrix product: tiles against their references, the driver against a direct loop.
// Operands are whole numbers, so every sum is exact and results are compared for equality.
#include "kernels/gemm_f32/gemm_f32.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <string_view>

#include "kernels/dispatch.h"
#include "tests/kernels/windows.h"
#include "tests/kernels/with_isa.h"

using namespace octet::kernels;
using namespace octet::kernels::test;

namespace {

struct Product {
  size_t m, n, k;
  std::vector<float> a, b; // b[k][n], or b[n][k]
  bool is_transposed;

  float element(size_t i, size_t kk, size_t a_stride) const { return a[i * a_stride + kk]; }
  float weight(size_t kk, size_t j) const { return b[is_transposed ? j * k + kk : kk * n + j]; }
};

void check_product(Random& random, size_t m, size_t n, size_t k) {
  CAPTURE(m, n, k);
  const size_t a_stride = k + random.size(0, 2), c_stride = n + random.size(0, 2);
  const Product p{m,
                  n,
                  k,
                  whole_numbers(random, m == 0 ? 0 : (m - 1) * a_stride + k),
                  whole_numbers(random, n * k + 1), // never null
                  random.chance()};
  std::vector<float> packed(packed_f32_elements(n, 1, k));
  pack_f32({.data = p.b.data(),
            .n = n,
            .k = k,
            .n_stride = p.is_transposed ? static_cast<ptrdiff_t>(k) : 1,
            .k_stride = p.is_transposed ? 1 : static_cast<ptrdiff_t>(n)},
           packed.data());
  const auto bias = whole_numbers(random, n + kFPanelWidth);
  std::vector<float> c(m == 0 ? 0 : (m - 1) * c_stride + n);
  FGemm args{.m = m,
             .n = n,
             .k = k,
             .a = p.a.data(),
             .a_stride = a_stride,
             .b = packed.data(),
             .c = c.data(),
             .c_stride = c_stride};
  if (random.chance()) args.params.bias = bias.data();
  if (random.chance()) args.params.lo = -20;
  if (random.chance()) args.params.hi = 30;
  const size_t split = m / 2 / kFTileRows * kFTileRows;
  gemm_f32(args, split, m);
  gemm_f32(args, 0, split);
  for (size_t i = 0; i < m; ++i)
    for (size_t j = 0; j < n; ++j) {
      float sum = args.params.bias ? bias[j] : 0;
      for (size_t kk = 0; kk < k; ++kk) sum += p.element(i, kk, a_stride) * p.weight(kk, j);
      REQUIRE(c[i * c_stride + j] == std::clamp(sum, args.params.lo, args.params.hi));
    }
}

} // namespace

TEST_CASE("float matrix products of every size") {
  const WithIsa with_isa(GENERATE(Isa::reference, Isa::simd128, Isa::relaxed));
  Random random(81);
  for (size_t m = 0; m < 10; ++m)
    for (size_t n = 1; n < 50; n += random.size(1, 4))
      check_product(random, m, n, random.size(0, 40));
  check_product(random, 5, 300, 600); // more than a column block
  check_product(random, 1, 900, 600); // more than a second-level cache
}

TEST_CASE("float tiles equal their references") {
  Random random(82);
  for_each_variant<FTileFn>(
      [&](const char* family, const char* name, FTileFn* function, FTileFn* reference) {
        INFO(name);
        const size_t rows = std::string_view(family) == "gemv_f32" ? 1 : kFTileRows;
        for (int i = 0; i < 200; ++i) {
          const size_t n = random.size(1, 50), taps = random.size(0, 5), k = random.size(0, 12);
          const auto x = whole_numbers(random, taps * rows * k);
          const auto b = whole_numbers(random, packed_f32_elements(n, taps, k));
          const auto bias = whole_numbers(random, n + kFPanelWidth);
          std::vector<const float*> a(taps * kFTileRows);
          for (size_t t = 0; t < taps; ++t)
            for (size_t r = 0; r < rows; ++r) a[t * kFTileRows + r] = x.data() + (t * rows + r) * k;
          std::vector<float> got(rows * n, -1), expected(rows * n, -1);
          FTile tile{.a = a.data(), .taps = taps, .k = k, .b = b.data(), .column_end = n};
          tile.column_begin = random.size(0, (n - 1) / kFPanelWidth) * kFPanelWidth;
          if (random.chance()) tile.params.bias = bias.data();
          if (random.chance()) tile.params.hi = 50;
          const auto run = [&](FTileFn* compute, std::vector<float>& c) {
            for (size_t r = 0; r < rows; ++r) tile.c[r] = c.data() + r * n;
            compute(tile);
          };
          run(function, got);
          run(reference, expected);
          REQUIRE(got == expected);
        }
      });
}

TEST_CASE("a NaN reaches the output of a float product with bounds") {
  const WithIsa with_isa(GENERATE(Isa::reference, Isa::simd128, Isa::relaxed));
  const float a[] = {std::numeric_limits<float>::quiet_NaN(), 1};
  const float b[] = {2};
  float packed[8], c[2];
  pack_f32({.data = b, .n = 1, .k = 1}, packed);
  gemm_f32({.m = 2,
            .n = 1,
            .k = 1,
            .a = a,
            .a_stride = 1,
            .b = packed,
            .c = c,
            .c_stride = 1,
            .params = {.lo = 0, .hi = 6}},
           0, 2);
  REQUIRE(std::isnan(c[0]));
  REQUIRE(c[1] == 2);
}
