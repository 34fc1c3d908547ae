// What samples change about products: AdaRound against the best of all roundings up and down, found
// by trying each; the means of results that bias correction brings back.
#include <catch2/catch.hpp>
#include <cmath>
#include <random>

#include "passes/pipeline.h"
#include "quant/dynamic.h"
#include "quant/static.h"
#include "runtime/session.h"
#include "tests/support/graph_builder.h"

using namespace octet;
using octet::test::GraphBuilder;

namespace {
constexpr size_t kSamples = 24;
constexpr double kDamping = 0.01; // of the mean of H's diagonal: what quant/adaround.h adds to it

// A product of constant weights, and how each of these acts on its results.
struct Product {
  const char* op_type;
  Shape input, weights;
  std::vector<std::pair<const char*, AttributeValue>> attributes = {};
  size_t rows, columns;
  // The place in the weights of (row, column).
  size_t (*place)(const Product&, size_t row, size_t column);
};

size_t by_rows(const Product& p, size_t row, size_t column) {
  return row * p.columns + column;
}

size_t by_columns(const Product& p, size_t row, size_t column) {
  return column * p.rows + row;
}

std::vector<float> run(const Graph& graph, const std::vector<float>& x,
                       std::shared_ptr<ValueSink> sink = nullptr) {
  Session session(std::make_unique<Graph>(graph), lower, {.sink = std::move(sink)});
  const Port port = session.inputs()[0];
  const NamedTensor feed{port.name, Tensor::of<float>(*port.type.shape, std::span<const float>(x))};
  const auto outputs = session.run({&feed, 1}, {});
  const auto values = outputs[0].values<float>();
  return {values.begin(), values.end()};
}

Graph graph_of(const Product& p, const std::vector<float>& w) {
  GraphBuilder b;
  const ValueId x = b.input("x", p.input);
  b.output(b.node(p.op_type, "y", {x, b.constant("w", p.weights, w)}, p.attributes));
  return b.graph;
}

struct Rounded {
  std::vector<int32_t> codes;
  std::vector<float> scales;
};

void finish(Quantizer& job, const Graph& graph, const std::vector<std::vector<float>>& samples) {
  if (const auto sink = job.calibrator())
    for (const auto& x : samples) {
      run(graph, x, sink);
      while (job.digest()) {
      }
    }
  while (job.step()) {
  }
  job.finish();
}

Rounded round(Graph graph, const std::vector<std::vector<float>>& samples, const char* method) {
  QuantizeConfig config;
  config.weights.method = method;
  config.weights.per_channel = true;
  config.activations.adaptive = false;
  finish(*make_static_quantizer(graph, config), graph, samples);
  Rounded out;
  for (size_t i = 0; i < graph.value_count(); ++i) {
    const Value& value = graph.value(ValueId(i));
    if (!value.constant || value.uses == 0) continue;
    if (value.name.starts_with("w_quantized"))
      for (const int8_t code : value.constant->values<int8_t>()) out.codes.push_back(code);
    if (value.name.starts_with("w_scale"))
      for (const float scale : value.constant->values<float>()) out.scales.push_back(scale);
  }
  return out;
}

// H of one row of weights: the products of what each of its weights, alone and 1, does to all
// results.
std::vector<double> gram_of_row(const Product& p, const std::vector<std::vector<float>>& samples,
                                size_t row) {
  std::vector<std::vector<float>> effects(p.columns);
  for (size_t j = 0; j < p.columns; ++j) {
    std::vector<float> w(p.weights.elements());
    w[p.place(p, row, j)] = 1;
    const Graph graph = graph_of(p, w);
    for (const auto& x : samples) {
      const std::vector<float> y = run(graph, x);
      effects[j].insert(effects[j].end(), y.begin(), y.end());
    }
  }
  std::vector<double> gram(p.columns * p.columns);
  for (size_t i = 0; i < p.columns; ++i)
    for (size_t j = 0; j < p.columns; ++j)
      for (size_t k = 0; k < effects[i].size(); ++k)
        gram[i * p.columns + j] += double{effects[i][k]} * effects[j][k];
  double trace = 0;
  for (size_t i = 0; i < p.columns; ++i) trace += gram[i * p.columns + i];
  for (size_t i = 0; i < p.columns; ++i)
    gram[i * p.columns + i] += kDamping * trace / static_cast<double>(p.columns);
  return gram;
}

double cost(const std::vector<double>& gram, const std::vector<double>& error) {
  double sum = 0;
  for (size_t i = 0; i < error.size(); ++i)
    for (size_t j = 0; j < error.size(); ++j)
      sum += error[i] * gram[i * error.size() + j] * error[j];
  return sum;
}

// Of all 2^columns ways to round weights given in steps up or down.
double least_cost(const std::vector<double>& gram, const std::vector<double>& w, double scale) {
  double best = INFINITY;
  std::vector<double> error(w.size());
  for (size_t ups = 0; ups < size_t{1} << w.size(); ++ups) {
    bool allowed = true;
    for (size_t j = 0; j < w.size(); ++j) {
      const double down = std::floor(w[j] / scale), code = (ups >> j & 1) ? down + 1 : down;
      error[j] = w[j] - code * scale;
      allowed &= code >= -127 && code <= 127;
    }
    if (allowed) best = std::min(best, cost(gram, error));
  }
  return best;
}

// Rounds random weights of a product; how far the worst row is from the best, as a ratio.
double check_product(const Product& p, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> w(p.weights.elements());
  for (float& value : w) value = normal(random);
  std::vector<std::vector<float>> samples(kSamples, std::vector<float>(p.input.elements()));
  for (auto& sample : samples) {
    const float common = normal(random);
    for (float& value : sample) value = common + 0.5f * normal(random);
  }
  const Rounded nearest = round(graph_of(p, w), samples, "minmax");
  const Rounded chosen = round(graph_of(p, w), samples, "adaround");
  REQUIRE(chosen.codes.size() == w.size());
  REQUIRE(chosen.scales.size() == p.rows);
  double worst = 1;
  for (size_t row = 0; row < p.rows; ++row) {
    const double scale = chosen.scales[row];
    const std::vector<double> gram = gram_of_row(p, samples, row);
    std::vector<double> real(p.columns), near(p.columns), made(p.columns);
    for (size_t j = 0; j < p.columns; ++j) {
      const size_t at = p.place(p, row, j);
      real[j] = w[at];
      near[j] = w[at] - nearest.codes[at] * scale;
      made[j] = w[at] - chosen.codes[at] * scale;
      CHECK(std::abs(made[j]) < scale * 1.0001);
    }
    CHECK(cost(gram, made) <= cost(gram, near) * 1.0001);
    worst = std::max(worst, cost(gram, made) / least_cost(gram, real, scale));
  }
  return worst;
}

const std::vector<int64_t> kPads{1, 1, 1, 1};
const Product kProducts[] = {
    {"MatMul", {5, 12}, {12, 3}, {}, 3, 12, by_columns},
    {"MatMul", {2, 3, 10}, {10, 4}, {}, 4, 10, by_columns},
    {"Gemm", {6, 11}, {11, 3}, {}, 3, 11, by_columns},
    {"Gemm", {6, 12}, {3, 12}, {{"transB", int64_t{1}}}, 3, 12, by_rows},
    {"Conv", {1, 3, 5, 4}, {4, 3, 2, 2}, {}, 4, 12, by_rows},
    {"Conv", {1, 4, 5, 5}, {4, 1, 3, 3}, {{"group", int64_t{4}}, {"pads", kPads}}, 4, 9, by_rows},
    {"Conv",
     {1, 4, 6, 6},
     {6, 2, 2, 2},
     {{"group", int64_t{2}}, {"strides", std::vector<int64_t>{2, 1}}},
     6,
     8,
     by_rows},
    {"Conv",
     {1, 2, 7, 7},
     {4, 1, 3, 3},
     {{"group", int64_t{2}}, {"dilations", std::vector<int64_t>{2, 2}}},
     4,
     9,
     by_rows},
    {"Conv", {1, 3, 9}, {2, 3, 4}, {}, 2, 12, by_rows},
};
} // namespace

TEST_CASE("AdaRound finds roundings of small products that are within 1 % of the best") {
  for (const Product& p : kProducts)
    for (unsigned seed = 0; seed < 3; ++seed) {
      INFO(p.op_type << " " << p.columns << " columns, seed " << seed);
      CHECK(check_product(p, seed) <= 1.01);
    }
}

TEST_CASE("weights that are no matrix stay in float, and say so") {
  const Product stack{"MatMul", {2, 3, 4}, {2, 4, 3}, {}, 3, 4, by_columns};
  Graph graph = graph_of(stack, std::vector<float>(24, 0.5f));
  QuantizeConfig config;
  config.weights.method = "adaround";
  const auto job = make_static_quantizer(graph, config);
  run(graph, std::vector<float>(24, 1), job->calibrator());
  while (job->step()) {
  }
  const QuantizationReport report = job->finish();
  REQUIRE(report.float_nodes.size() == 1);
  CHECK(report.float_nodes[0].reason == "its weights are not a matrix");
}

namespace {
// How far the means of the results of a graph of two channels, along the last axis or the second,
// are from those of another one.
double mean_error(const Graph& graph, const Graph& other,
                  const std::vector<std::vector<float>>& samples, size_t inner) {
  double sums[2] = {};
  for (const auto& x : samples) {
    const std::vector<float> a = run(graph, x), b = run(other, x);
    for (size_t i = 0; i < a.size(); ++i) sums[i / inner % 2] += double{a[i]} - b[i];
  }
  return std::hypot(sums[0], sums[1]);
}
} // namespace

TEST_CASE("bias correction brings the means of dynamically quantized products back") {
  std::mt19937 random(7);
  std::normal_distribution<float> normal;
  std::vector<std::vector<float>> samples(kSamples, std::vector<float>(16));
  for (auto& sample : samples)
    for (float& value : sample) value = 1 + 0.3f * normal(random);
  // One large weight makes the steps coarse, and the others' losses large.
  const std::vector<float> w{100, 0.3f, -0.2f, 0.35f, 0.25f, -0.3f, 0.1f, 0.33f};
  const auto make = [&](const std::string& kind) {
    GraphBuilder b;
    const ValueId c = b.constant("c", {2}, {3, -1});
    if (kind == "Conv" || kind == "bare Conv") {
      std::vector<ValueId> inputs{b.input("x", {1, 4, 2, 2}), b.constant("w", {2, 4, 1, 1}, w)};
      if (kind == "Conv") inputs.push_back(c);
      b.output(b.node("Conv", "y", inputs));
    } else if (kind == "Gemm") {
      b.output(b.node("Gemm", "y", {b.input("x", {4, 4}), b.constant("w", {2, 4}, w), c},
                      {{"transB", int64_t{1}}, {"alpha", 0.5f}}));
    } else {
      const ValueId y = b.node("MatMul", "y", {b.input("x", {4, 4}), b.constant("w", {4, 2}, w)});
      b.output(b.node("Add", "sum", {y, c}));
    }
    return b.graph;
  };
  for (const std::string kind : {"Conv", "bare Conv", "Gemm", "MatMul"}) {
    INFO(kind);
    const Graph real = make(kind);
    const size_t inner = kind.ends_with("Conv") ? 4 : 1;
    QuantizeConfig config;
    Graph plain = real, corrected = real;
    finish(*make_dynamic_quantizer(plain, config), plain, samples);
    config.correct_bias = true;
    finish(*make_dynamic_quantizer(corrected, config), corrected, samples);
    CHECK(mean_error(corrected, real, samples, inner) <
          0.1 * mean_error(plain, real, samples, inner));
  }
}
