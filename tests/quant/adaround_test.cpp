// AdaRound against the error it minimises, worked out in double.
#include "quant/adaround.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <random>

using namespace octet;

namespace {
constexpr size_t kColumns = 24, kSamples = 40;
constexpr ScaleAndZero kParams{0.05f, 3};
constexpr QuantRange kRange{-20, 20};

struct Problem {
  std::vector<float> w, rows; // rows: [kSamples, kColumns], correlated
  Gram gram{kColumns};

  explicit Problem(unsigned seed) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal;
    for (size_t j = 0; j < kColumns; ++j) w.push_back(0.4f * normal(random));
    for (size_t r = 0; r < kSamples; ++r) {
      const float common = normal(random);
      for (size_t j = 0; j < kColumns; ++j) rows.push_back(common + 0.3f * normal(random));
    }
    gram.add(rows);
    gram.mirror();
  }

  std::vector<int32_t> nearest() const {
    std::vector<int32_t> codes;
    for (const float value : w) codes.push_back(quantize_value(value, kParams, kRange));
    return codes;
  }

  double noise(const std::vector<int32_t>& codes) const {
    double sum = 0;
    for (size_t r = 0; r < kSamples; ++r) {
      double error = 0;
      for (size_t j = 0; j < kColumns; ++j)
        error += (double{w[j]} - dequantize_value(codes[j], kParams)) * rows[r * kColumns + j];
      sum += error * error;
    }
    return sum;
  }
};
} // namespace

TEST_CASE(
    "AdaRound takes one of the two neighbouring codes, and loses less than the nearest ones") {
  double all_before = 0, all_after = 0;
  for (unsigned seed = 0; seed < 50; ++seed) {
    const Problem p(seed);
    const std::vector<int32_t> nearest = p.nearest();
    std::vector<int32_t> codes = nearest;
    OutputError before, after;
    adaround_row(p.w, kParams, kRange, p.gram, codes, before, after);
    for (size_t j = 0; j < kColumns; ++j) {
      const float error = std::abs(p.w[j] - dequantize_value(codes[j], kParams));
      CHECK((codes[j] == nearest[j] || error < kParams.scale));
      CHECK((codes[j] >= kRange.min && codes[j] <= kRange.max));
    }
    CHECK(before.noise == Approx(p.noise(nearest)).epsilon(1e-3));
    CHECK(after.noise == Approx(p.noise(codes)).epsilon(1e-3));
    all_before += before.noise;
    all_after += after.noise;
  }
  CHECK(all_after < 0.2 * all_before);
}

TEST_CASE("samples that show nothing leave the nearest codes") {
  Problem p(1);
  Gram silent(kColumns);
  silent.add(std::vector<float>(kColumns));
  silent.mirror();
  std::vector<int32_t> codes = p.nearest();
  OutputError before, after;
  adaround_row(p.w, kParams, kRange, silent, codes, before, after);
  CHECK(codes == p.nearest());
  CHECK(after.noise == 0);
}
