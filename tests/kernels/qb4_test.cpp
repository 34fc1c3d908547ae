// Products with 4-bit weights: variants against their references, drivers against the formulas of
// qb4.h on unpacked operands.
#include "kernels/qb4/qb4.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include "kernels/dispatch.h"
#include "tests/kernels/random.h"
#include "tests/kernels/with_isa.h"

using namespace octet::kernels;
using namespace octet::kernels::test;

namespace {

/// Operands as a model has them, and packed.
struct Qb4Case {
  Qb4Shape shape;
  std::vector<uint8_t> codes, zeros;
  std::vector<float> scales, bias;
  std::vector<uint8_t> packed_codes;
  std::vector<float> packed_scales, packed_zeros;

  Qb4Case(Random& random, const Qb4Shape& s) : shape(s) {
    const size_t blocks = shape.blocks();
    codes = random.integers<uint8_t>(shape.n * blocks * shape.block / 2, 0, 255);
    zeros = random.integers<uint8_t>(shape.n * ((blocks + 1) / 2), 0, 255);
    scales = random.reals(shape.n * blocks, -0.1f, 0.1f);
    bias = random.reals(shape.n + 8, -1, 1);
    packed_codes.resize(qb4_code_bytes(shape));
    packed_scales.resize(qb4_block_floats(shape));
    packed_zeros.resize(qb4_block_floats(shape));
    pack_qb4_codes(shape, codes.data(), packed_codes.data());
    pack_qb4_floats(shape, scales.data(), packed_scales.data());
    pack_qb4_zeros(shape, zeros.data(), packed_zeros.data());
  }

  static int half(const std::vector<uint8_t>& bytes, size_t row, size_t index) {
    return bytes[row + index / 2] >> (index % 2 * 4) & 15;
  }
  int code(size_t n, size_t k) const {
    return half(codes, n * shape.blocks() * shape.block / 2, k);
  }
  int zero(size_t n, size_t b) const { return half(zeros, n * ((shape.blocks() + 1) / 2), b); }
  double scale(size_t n, size_t b) const { return scales[n * shape.blocks() + b]; }

  Qb4Gemm gemm(const std::vector<float>& a, std::vector<float>& c) const {
    return {.shape = shape,
            .m = a.size() / shape.k,
            .a = a.data(),
            .codes = packed_codes.data(),
            .scales = packed_scales.data(),
            .zeros = packed_zeros.data(),
            .bias = bias.data(),
            .c = c.data()};
  }
};

Qb4Shape random_shape(Random& random) {
  const size_t block = size_t{16} << random.size(0, 3);
  return {random.size(1, 40), random.size(1, 3 * block), block};
}

/// Quantized rows with memory of exact size.
struct Rows {
  std::vector<int8_t> codes;
  std::vector<int16_t> factors;
  std::vector<float> scales, sums;
  Qb8Row row;

  explicit Rows(const Qb4Shape& shape)
      : codes(shape.blocks() * shape.block, -1), factors(codes.size(), -1),
        scales(shape.blocks(), -1), sums(shape.blocks(), -1),
        row{codes.data(), factors.data(), scales.data(), sums.data()} {}
  bool operator==(const Rows& other) const {
    return codes == other.codes && factors == other.factors && scales == other.scales &&
           sums == other.sums;
  }
};

std::vector<float> activations(Random& random, size_t n) {
  auto x = random.reals(n, -3, 3);
  if (random.chance()) std::fill_n(x.begin(), std::min<size_t>(n, 20), 0.0f);
  return x;
}

} // namespace

TEST_CASE("4-bit kernels equal their references") {
  Random random(61);
  for (int round = 0; round < 40; ++round) {
    const Qb4Shape shape = random_shape(random);
    const Qb4Case weights(random, shape);
    CAPTURE(shape.n, shape.k, shape.block);
    const auto x = activations(random, shape.k);
    for_each_variant<Qb8QuantizeFn>(
        [&](const char*, const char* name, Qb8QuantizeFn* function, Qb8QuantizeFn* reference) {
          INFO(name);
          Rows actual(shape), expected(shape);
          function(x.data(), shape.k, shape.block, actual.row);
          reference(x.data(), shape.k, shape.block, expected.row);
          REQUIRE((actual == expected));
        });
    Rows rows(shape);
    f32_qb8_quantize_reference(x.data(), shape.k, shape.block, rows.row);
    for_each_variant<Qb4TileFn>(
        [&](const char*, const char* name, Qb4TileFn* function, Qb4TileFn* reference) {
          INFO(name);
          Qb4Tile tile{.a = rows.row,
                       .blocks = shape.blocks(),
                       .block = shape.block,
                       .codes = weights.packed_codes.data(),
                       .scales = weights.packed_scales.data(),
                       .zeros = weights.packed_zeros.data(),
                       .bias = random.chance() ? weights.bias.data() : nullptr,
                       .column_begin = random.size(0, (shape.n - 1) / 8) * 8,
                       .column_end = shape.n};
          const auto run = [&](Qb4TileFn* kernel) {
            std::vector<float> c(shape.n, -1);
            tile.c = c.data();
            kernel(tile);
            return c;
          };
          REQUIRE(run(function) == run(reference));
        });
    for_each_variant<Qb4UnpackFn>(
        [&](const char*, const char* name, Qb4UnpackFn* function, Qb4UnpackFn* reference) {
          INFO(name);
          const auto run = [&](Qb4UnpackFn* kernel) {
            std::vector<float> to(shape.blocks() * shape.block * 8);
            kernel({.codes = weights.packed_codes.data(),
                    .scales = weights.packed_scales.data(),
                    .zeros = weights.packed_zeros.data(),
                    .blocks = shape.blocks(),
                    .block = shape.block,
                    .to = to.data()});
            return to;
          };
          REQUIRE(run(function) == run(reference));
        });
  }
}

TEST_CASE("4-bit kernels hold the largest sums") {
  const float sign = GENERATE(-1.0f, 1.0f);
  Random random(63);
  const Qb4Shape shape{17, kQb4MaxBlock, kQb4MaxBlock};
  Qb4Case weights(random, shape);
  std::fill(weights.packed_codes.begin(), weights.packed_codes.end(), uint8_t{0xFF});
  std::fill(weights.packed_zeros.begin(), weights.packed_zeros.end(), 0.0f);
  std::fill(weights.packed_scales.begin(), weights.packed_scales.end(), 1.0f);
  const std::vector<float> a(shape.k, sign * 127);
  for (const Isa isa : {Isa::reference, Isa::simd128, Isa::relaxed}) {
    const WithIsa with_isa(isa);
    std::vector<float> c(shape.n, -1);
    Qb4Gemm gemm = weights.gemm(a, c);
    gemm.bias = nullptr;
    std::vector<double> rows(qb8_row_bytes(shape, 1) / sizeof(double));
    qb8_quantize_rows(gemm, rows.data());
    qb4_gemm_qb8(gemm, rows.data(), 0, shape.n);
    CHECK(c == std::vector<float>(shape.n, sign * 127 * 15 * kQb4MaxBlock));
  }
}

TEST_CASE("products with 4-bit weights compute their formulas") {
  const WithIsa with_isa(GENERATE(Isa::reference, Isa::simd128, Isa::relaxed));
  Random random(62);
  for (int round = 0; round < 20; ++round) {
    const Qb4Shape shape = random_shape(random);
    const Qb4Case weights(random, shape);
    const size_t m = random.size(1, 6);
    CAPTURE(shape.n, shape.k, shape.block, m);
    const auto a = activations(random, m * shape.k);
    std::vector<float> c(m * shape.n, -1);
    const Qb4Gemm gemm = weights.gemm(a, c);
    const size_t split = random.size(0, shape.n / 8) * 8;
    const auto check = [&](const auto& activation) {
      for (size_t i = 0; i < m; ++i)
        for (size_t n = 0; n < shape.n; ++n) {
          double sum = weights.bias[n], magnitude = 1;
          for (size_t k = 0; k < shape.k; ++k) {
            const size_t b = k / shape.block;
            const double term =
                activation(i, k) * weights.scale(n, b) * (weights.code(n, k) - weights.zero(n, b));
            sum += term;
            magnitude += std::abs(term);
          }
          REQUIRE(std::abs(c[i * shape.n + n] - sum) <= 2e-6 * magnitude);
        }
    };
    {
      std::vector<double> scratch(qb4_f32_scratch_bytes(shape) / sizeof(double));
      qb4_gemm_f32(gemm, scratch.data(), split, shape.n);
      qb4_gemm_f32(gemm, scratch.data(), 0, split);
      check([&](size_t i, size_t k) { return double(a[i * shape.k + k]); });
    }
    {
      std::vector<double> rows(qb8_row_bytes(shape, m) / sizeof(double));
      qb8_quantize_rows(gemm, rows.data());
      qb4_gemm_qb8(gemm, rows.data(), split, shape.n);
      qb4_gemm_qb8(gemm, rows.data(), 0, split);
      check([&](size_t i, size_t k) {
        const size_t begin = k / shape.block * shape.block,
                     end = std::min(shape.k, begin + shape.block);
        float max = 0;
        for (size_t j = begin; j < end; ++j) max = std::max(max, std::abs(a[i * shape.k + j]));
        const float inverse = max > 0 ? 127.0f / max : 0.0f;
        return std::nearbyint(a[i * shape.k + k] * inverse) * double(max / 127.0f);
      });
    }
  }
}
