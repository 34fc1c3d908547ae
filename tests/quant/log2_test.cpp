// The levels that ranges get, what they lose, and the nodes that static quantization writes.
#include "quant/log2.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "ops/log2_ops.h"

using namespace octet;

TEST_CASE("the largest level is the nearest to the end of the range") {
  const auto levels = [](float min, float max, int32_t most = 15) {
    const kernels::Log2Levels chosen = choose_log2_levels({min, max}, most);
    CHECK(chosen.positive == chosen.negative);
    return std::pair(chosen.first, chosen.positive);
  };
  CHECK(levels(-1, 1) == std::pair(-14, 15));
  CHECK(levels(0, 1.49f) == std::pair(-14, 15));
  CHECK(levels(0, 1.5f) == std::pair(-13, 15));
  CHECK(levels(-6.5f, 1, 8) == std::pair(-4, 8));
  CHECK(levels(0, 3.4e38f) == std::pair(113, 15));
  CHECK(levels(0, 0) == std::pair(-125, 1));
  CHECK(levels(0, 1e-36f) == std::pair(-125, 6)); // nearest: 2^-120
}

TEST_CASE("as many levels as sums have room for") {
  CHECK(most_log2_levels(1) == 15);
  CHECK(most_log2_levels(514) == 15);
  CHECK(most_log2_levels(515) == 14); // 2^14 · 255 · 515 > 2^31
  CHECK(most_log2_levels(4608) == 11);
  CHECK(most_log2_levels(8421504) == 1);
  CHECK(most_log2_levels(8421505) == 0);
}

TEST_CASE("errors by octave are those of the values") {
  const kernels::Log2Levels levels = choose_log2_levels({-3, 8}, 4); // 1, 2, 4, 8
  const std::vector<float> x{0, 0.7f, -0.75f, 1.4f, -2.9f, 3, 8, 17, -1e-40f};
  const std::vector<double> rounded{0, 0, -1, 1, -2, 4, 8, 8, 0};
  Log2Errors errors;
  errors.add(std::span(x).first(4));
  errors.add(std::span(x).subspan(4));
  double energy = 0, noise = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    energy += double{x[i]} * x[i];
    noise += (x[i] - rounded[i]) * (x[i] - rounded[i]);
  }
  CHECK(errors.sqnr_db(levels) == Approx(10 * std::log10(energy / noise)).epsilon(1e-9));
}

TEST_CASE("operands that are no levels are not taken for some") {
  const Tensor zero = Tensor::scalar<uint8_t>(128);
  const auto parse = [&](std::vector<float> levels) {
    const Tensor table =
        Tensor::of<float>({static_cast<int64_t>(levels.size())}, std::span<const float>(levels));
    return log2_codes(&zero, &table);
  };
  const auto codes = parse({0, 0.25f, 0.5f, 1});
  REQUIRE(codes);
  CHECK(codes->levels.first == -2);
  CHECK(codes->levels.positive == 3);
  CHECK(codes->levels.negative == 3);
  CHECK(codes->smallest() == 0.25f);
  for (const std::vector<float>& levels : {std::vector<float>{},
                                           {0},
                                           {1, 2},
                                           {0, 3, 6},
                                           {0, 1, 4},
                                           {0, -1, -2},
                                           {0, NAN},
                                           {0, 1e-40f},
                                           std::vector<float>(17, 0.0f)})
    CHECK(!parse(levels));
  CHECK(!log2_codes(nullptr, nullptr));
  const Tensor wrong_type = Tensor::scalar<int32_t>(0);
  const Tensor table = Tensor::of<float>({2}, {0, 1});
  CHECK(!log2_codes(&wrong_type, &table));
  const Tensor nearly_full = Tensor::scalar<int8_t>(126);
  CHECK(log2_codes(&nearly_full, &table)->levels.positive == 1);
}
