// What the report shows of values: histograms, clipping ranges and drift, against counts made by
// hand.
#include "quant/report.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <numeric>
#include <random>

#include "quant/calibrator.h"
#include "quant/weight_only.h"
#include "quant/weights.h"
#include "tests/support/graph_builder.h"

using namespace octet;
using octet::test::GraphBuilder;

namespace {
std::vector<float> normals(size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, 1);
  std::vector<float> out(count);
  for (float& v : out) v = normal(random);
  return out;
}

uint64_t total(const CoarseHistogram& histogram) {
  return std::accumulate(histogram.counts.begin(), histogram.counts.end(), uint64_t{0});
}

// The bins that one look at all values fills.
void check_counts(const CoarseHistogram& histogram, const std::vector<float>& values) {
  CHECK(histogram.counts.size() <= CoarseHistogram::kMaxBins);
  std::vector<uint64_t> expected(histogram.counts.size());
  for (const float v : values)
    ++expected.at(static_cast<size_t>(std::floor((v - histogram.low) / histogram.width)));
  CHECK(histogram.counts == expected);
}

Calibrator calibrated(const ActivationOptions& options,
                      const std::vector<std::vector<float>>& samples) {
  Calibrator calibrator(options);
  const size_t tap = calibrator.add_tap(calibrator.add_observer(), "x");
  for (const auto& sample : samples) calibrator.observe(tap, sample);
  while (calibrator.choose_next()) {
  }
  return calibrator;
}
} // namespace

TEST_CASE("a coarse histogram has every value in its bin, of wide and of one-sided ranges") {
  std::vector<float> values = normals(5000, 1);
  for (const float shift : {0.0f, 6.0f, -6.0f}) {
    std::vector<float> shifted = values;
    for (float& v : shifted) v += shift;
    Histogram histogram;
    histogram.add(shifted);
    const CoarseHistogram coarse = histogram.coarse();
    CHECK(coarse.counts.size() > CoarseHistogram::kMaxBins / 2);
    check_counts(coarse, shifted);
  }
  CHECK(Histogram().coarse().counts.empty());
}

TEST_CASE("every method's range is told with the share of the values beyond it") {
  std::vector<float> values = normals(20000, 2);
  values[7] = 100;
  for (const char* method : {"minmax", "moving-average", "percentile", "entropy", "mse"}) {
    CAPTURE(method);
    const ActivationOptions options{.method = method, .percentile = 99};
    const Calibrator calibrator = calibrated(options, {values});
    const QuantizedTensor tensor = calibrator.describe(0, "x", "reader", false);
    CHECK(tensor.role == TensorRole::Activations);
    check_counts(tensor.histogram, values);
    REQUIRE(tensor.clipping);
    const ScaleAndZero params = calibrator.params(0).value();
    CHECK(tensor.clipping->min == dequantize_value(0, params));
    CHECK(tensor.clipping->max == dequantize_value(255, params));
    size_t beyond = 0;
    for (const float v : values) {
      const float code = std::nearbyint(v / params.scale) + static_cast<float>(params.zero_point);
      beyond += code < 0 || code > 255;
    }
    const double share = static_cast<double>(beyond) / static_cast<double>(values.size());
    CHECK(tensor.clipping->share == Approx(share).margin(0.001));
    CHECK((tensor.clipping->share == 0) == (beyond == 0));
  }
}

TEST_CASE("drift is how much wider the widest sample is than the median one") {
  const Calibrator calibrator = calibrated({}, {{0, 1}, {-1, 1}, {0, 10}, {0, 2}, {0, 1}});
  CHECK(calibrator.drift(0) == 5);
  CHECK_FALSE(calibrator.drifts(0));
  const Calibrator wide = calibrated({}, {{0, 1}, {0, 1}, {0, 9}});
  CHECK(wide.drifts(0));
  const QuantizedTensor tensor = wide.describe(0, "x", "reader", true);
  CHECK(tensor.drift == 9);
  CHECK(tensor.method == "dynamic");
  CHECK_FALSE(tensor.clipping);
  CHECK(tensor.scale_max == Approx(9.0 / 255));
  CHECK(calibrated({}, {{0, 0}, {0, 0}}).drift(0) == 1);
  CHECK(calibrated({}, {{0, 0}, {0, 0}, {0, 1}}).drifts(0));
}

TEST_CASE("weights: extremes are kept, whatever the channels") {
  const std::vector<float> values = normals(64 * 9, 3);
  for (const bool per_channel : {false, true}) {
    const WeightOptions options{.per_channel = per_channel};
    const QuantizedWeights q = quantize_weights(values, {64, 9}, options, false);
    check_counts(q.histogram, values);
    CHECK(q.clipping.share == 0);
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    const float limit = std::max(-*low, *high);
    CHECK(q.clipping.max == Approx(limit));
    CHECK(q.clipping.min == Approx(-limit));
  }
}

TEST_CASE("weights in blocks: a rule that clips tells how many") {
  for (const char* method : {"minmax", "mean", "mse"}) {
    CAPTURE(method);
    GraphBuilder b;
    std::vector<float> values = normals(64 * 8, 4);
    for (size_t i = 0; i < values.size(); i += 50) values[i] *= 40;
    const ValueId x = b.input("x", {1, 64});
    b.output(b.node("MatMul", "y", {x, b.constant("w", {64, 8}, values)}));
    QuantizeConfig config;
    config.weights = {.type = DType::Int4, .block_size = 32, .method = method};
    const auto job = make_weight_only_quantizer(b.graph, config);
    while (job->step()) {
    }
    const QuantizationReport report = job->finish();
    REQUIRE(report.tensors.size() == 1);
    const QuantizedTensor& tensor = report.tensors[0];
    CHECK(total(tensor.histogram) == values.size());
    check_counts(tensor.histogram, values);
    REQUIRE(tensor.clipping);
    CHECK((tensor.clipping->share > 0) == (std::string(method) != "minmax"));
    CHECK(tensor.clipping->share < 0.1);
  }
}
