// Observers, against ranges worked out by hand and properties that hold for any values.
#include "quant/observer.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <random>

#include "base/error.h"
#include "base/pieces.h"
#include "quant/arithmetic.h"

using namespace octet;

namespace {
ObservedRange observed(const ObserverOptions& options,
                       const std::vector<std::vector<float>>& samples) {
  const auto observer = make_observer(options);
  for (const auto& sample : samples) observer->add(sample);
  return observer->range().value();
}

std::vector<float> normals(size_t count, float deviation, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, deviation);
  std::vector<float> out(count);
  std::generate(out.begin(), out.end(), [&] { return normal(random); });
  return out;
}

double squared_error(const std::vector<float>& values, ObservedRange range) {
  const ScaleAndZero params = choose_quant_params(range.min, range.max, DType::UInt8, false);
  double error = 0;
  for (const float v : values)
    error += std::pow(
        v - dequantize_value(quantize_value(v, params, quant_range(DType::UInt8, false)), params),
        2);
  return error;
}
} // namespace

TEST_CASE("minmax spans all samples and 0") {
  const ObservedRange range = observed({.method = "minmax"}, {{1, 2}, {}, {0.5f, 5}});
  CHECK(range.min == 0);
  CHECK(range.max == 5);
}

TEST_CASE("moving-average is the mean of the ends of the first samples") {
  const ObservedRange range = observed({.method = "moving-average"}, {{-1, 2}, {-2, 4}, {-3, 9}});
  CHECK(range.min == Approx(-2));
  CHECK(range.max == Approx(5));
}

TEST_CASE("mean: every sample has one weight, however many there are") {
  std::vector<std::vector<float>> samples;
  for (int i = 0; i < 300; ++i) samples.push_back({-1, i < 150 ? 2.0f : 4.0f});
  const ObservedRange range = observed({.method = "mean"}, samples);
  CHECK(range.min == Approx(-1));
  CHECK(range.max == Approx(3));
  CHECK(observed({.method = "moving-average"}, samples).max > 3.4f);
  CHECK(observed({.method = "mean"}, {{1, 2}, {0.5f, 3}}).min == 0);
}

TEST_CASE("a histogram of many values at once is that of its parts, whose ranges grow") {
  std::vector<float> values;
  Histogram parts;
  for (const float deviation : {1e-3f, 0.5f, 0.1f, 40.0f, 7000.0f}) {
    const auto more = normals(5000, deviation, 4);
    values.insert(values.end(), more.begin(), more.end());
    parts.add(more);
  }
  Histogram whole;
  const auto range = whole.add(values);
  CHECK(range->min == *std::min_element(values.begin(), values.end()));
  CHECK(range->max == *std::max_element(values.begin(), values.end()));
  CHECK(whole.counts() == parts.counts());
  CHECK(whole.width() == parts.width());
  CHECK(whole.edge(0) == parts.edge(0));
  CHECK(whole.total() == values.size());
}

TEST_CASE("with a stride, a histogram counts every value once in as many additions") {
  auto values = normals(13 * kPiece + 100, 1, 6);
  values.back() = 50; // where only a range looks each time
  Histogram sparse(Histogram::kSparse), whole;
  whole.add(values);
  for (size_t i = 0; i < Histogram::kSparse; ++i) {
    const uint64_t before = sparse.total();
    CHECK(sparse.add(values)->max == 50);
    CHECK(sparse.total() - before <= 2 * kPiece);
    CHECK(sparse.range().max == 50);
  }
  CHECK(sparse.counts() == whole.counts());
  sparse.add(std::span(values).first(7 * kPiece));
  CHECK(sparse.total() == values.size() + 7 * kPiece);
}

TEST_CASE("what is not finite has no range, wherever it stands") {
  for (const float bad : {INFINITY, -INFINITY, NAN}) {
    for (const size_t place : {0, 5000, 9999}) {
      auto values = normals(10000, 1, 5);
      values[place] = bad;
      CHECK_FALSE(Histogram().add(values));
      CHECK_FALSE(make_observer({.method = "moving-average"})->add(values));
    }
  }
}

TEST_CASE("a histogram does not depend on the order in which ranges grow") {
  std::vector<std::vector<float>> samples;
  for (const float deviation : {1e-3f, 5.0f, 0.1f, 300.0f})
    samples.push_back(normals(1000, deviation, 3));
  Histogram forth, back;
  for (size_t i = 0; i < samples.size(); ++i) {
    forth.add(samples[i]);
    back.add(samples[samples.size() - 1 - i]);
  }
  CHECK(forth.counts() == back.counts());
  CHECK(forth.width() == back.width());
  CHECK(forth.total() == 4000);
  for (size_t bin = 0; bin < forth.counts().size(); ++bin) {
    uint64_t inside = 0;
    for (const auto& sample : samples)
      for (const float v : sample) inside += v >= forth.edge(bin) && v < forth.edge(bin + 1);
    REQUIRE(inside == forth.counts()[bin]);
  }
}

TEST_CASE("histograms of extreme values") {
  Histogram histogram;
  histogram.add(std::vector<float>{1e-40f, -1e-40f});
  histogram.add(std::vector<float>{3e38f, -3e38f, 0});
  CHECK(histogram.total() == 5);
  CHECK(histogram.counts().size() <= static_cast<size_t>(Histogram::kBins));
}

TEST_CASE("percentile cuts as many values as it says from either end") {
  std::vector<float> values;
  for (int i = -1000; i <= 1000; ++i) values.push_back(static_cast<float>(i));
  const ObservedRange range = observed({.method = "percentile", .percentile = 90}, {values});
  CHECK(range.max == Approx(900).margin(1.5));
  CHECK(range.min == Approx(-900).margin(1.5));
  const ObservedRange all = observed({.method = "percentile", .percentile = 100}, {values});
  CHECK(all.max == 1000);
  CHECK(all.min == -1000);
}

TEST_CASE("entropy gives up an outlier, mse as much of it as pays") {
  std::vector<float> spiked = normals(100000, 1, 7);
  const float low = *std::min_element(spiked.begin(), spiked.end());
  spiked.push_back(60);
  const ObservedRange entropy = observed({.method = "entropy"}, {spiked});
  CHECK(entropy.max < 15);
  CHECK(entropy.max > 2.5f);
  // The error (60 − M)² + n/12 · ((M − low) / 255)² is least where its derivative is 0.
  const double weight = 100001.0 / 12 / (255 * 255);
  const double best = (60 + weight * low) / (1 + weight);
  CHECK(observed({.method = "mse"}, {spiked}).max == Approx(best).margin(0.7));
}

TEST_CASE("entropy chooses by what is not 0, however many zeros there are") {
  std::vector<float> values = normals(20000, 1, 5);
  for (float& v : values) v = std::abs(v);
  const float without = observed({.method = "entropy"}, {values}).max;
  values.resize(values.size() * 10, 0.0f);
  CHECK(observed({.method = "entropy"}, {values}).max == Approx(without).epsilon(0.05));
}

TEST_CASE("entropy and mse keep what is spread evenly") {
  std::vector<float> even;
  for (int i = 0; i < 20000; ++i) even.push_back(static_cast<float>(i) / 20000);
  for (const char* method : {"entropy", "mse"}) {
    CAPTURE(method);
    const ObservedRange range = observed({.method = method}, {even});
    CHECK(range.max == Approx(1).margin(0.06));
    CHECK(range.min == 0);
  }
}

TEST_CASE("the range of mse loses no more than the full one") {
  for (unsigned seed = 1; seed <= 5; ++seed) {
    std::vector<float> values = normals(5000, 1, seed);
    for (float& v : values) v = v * v * v;
    const double full = squared_error(values, observed({.method = "minmax"}, {values}));
    CHECK(squared_error(values, observed({.method = "mse"}, {values})) <= full * 1.01);
  }
}

TEST_CASE("every method: nothing seen, only zeros, ranges within what was seen") {
  for (const char* method : {"minmax", "moving-average", "mean", "percentile", "entropy", "mse"}) {
    CAPTURE(method);
    const ObserverOptions options{.method = method};
    CHECK_FALSE(make_observer(options)->range());
    CHECK(observed(options, {{0, 0, 0}}).max == 0);
    CHECK(observed(options, {{0, 0, 0}}).min == 0);
    const std::vector<float> values = normals(3000, 4, 11);
    const ObservedRange range = observed(options, {values});
    CHECK(range.min >= *std::min_element(values.begin(), values.end()));
    CHECK(range.max <= *std::max_element(values.begin(), values.end()));
    CHECK(range.min < -2);
    CHECK(range.max > 2);
  }
  CHECK_THROWS_AS(make_observer({.method = "magic"}), Error);
}
