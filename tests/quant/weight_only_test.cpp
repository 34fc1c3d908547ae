// Weight-only quantization, as printed graphs and codes; GPTQ against the algorithm of its paper.
#include "quant/weight_only.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <random>

#include "base/error.h"
#include "quant/gptq.h"
#include "tests/support/graph_builder.h"

using namespace octet;
using octet::test::GraphBuilder;
using octet::test::nodes_of;

namespace {
QuantizeConfig config_of(DType type, QuantFormat format = QuantFormat::Operator) {
  QuantizeConfig config;
  config.weights = {
      .type = type, .symmetric = type == DType::Int4 || type == DType::Int8, .block_size = 16};
  config.format = format;
  return config;
}

QuantizationReport quantize(Graph& graph, const QuantizeConfig& config) {
  const auto job = make_weight_only_quantizer(graph, config);
  while (job->step()) {
  }
  return job->finish();
}

std::vector<float> normals(size_t count, unsigned seed) {
  std::mt19937 engine(seed);
  std::normal_distribution<float> normal;
  std::vector<float> out(count);
  for (float& value : out) value = normal(engine);
  return out;
}

const Tensor& constant_named(const Graph& graph, const std::string& part) {
  for (size_t i = 0; i < graph.value_count(); ++i)
    if (graph.constant(ValueId(i)) && graph.value(ValueId(i)).name.find(part) != std::string::npos)
      return *graph.constant(ValueId(i));
  FAIL("there is no constant *" << part << "*");
  throw;
}
} // namespace

TEST_CASE("a product's columns become rows of blocks, two codes a byte, filled up with zeros") {
  GraphBuilder b;
  std::vector<float> w(40, 0.0f); // [20, 2]: two blocks of 16 a column, the second of 4 weights
  w[0] = 7, w[2] = -3, w[38] = 14, w[39] = -7;
  b.output(b.node("MatMul", "y", {b.input("x", {1, 20}), b.constant("w", {20, 2}, w)}));
  const QuantizationReport report = quantize(b.graph, config_of(DType::Int4));
  CHECK(nodes_of(b.graph).find("MatMulNBits") != std::string::npos);
  const Tensor& codes = constant_named(b.graph, "_quantized");
  CHECK(codes.shape() == Shape{2, 2, 8});
  CHECK(codes.values<uint8_t>()[0] == (15 | 5 << 4)); // 7 and −3, with 8 for zero
  CHECK(codes.values<uint8_t>()[9] == (8 | 15 << 4)); // 0 and 14 at scale 2
  const auto scales = constant_named(b.graph, "_scale").values<float>();
  CHECK(std::vector<float>(scales.begin(), scales.end()) == std::vector<float>{1, 2, 1, 1});
  REQUIRE(report.tensors.size() == 1);
  CHECK(report.tensors[0].granularity == "per-block");
  CHECK(report.tensors[0].sqnr_db == INFINITY);
}

TEST_CASE("a Gemm keeps its factor and its addition") {
  GraphBuilder b;
  const ValueId w = b.constant("w", {2, 32}, normals(64, 1));
  b.output(b.node("Gemm", "y", {b.input("x", {1, 32}), w, b.constant("c", {2}, {5, 6})},
                  {{"transB", int64_t{1}}, {"alpha", 2.0f}}));
  GraphBuilder plain;
  const ValueId v = plain.constant("w", {2, 32}, normals(64, 1));
  plain.output(plain.node("Gemm", "y", {plain.input("x", {1, 32}), v}, {{"transB", int64_t{1}}}));
  quantize(b.graph, config_of(DType::UInt4));
  quantize(plain.graph, config_of(DType::UInt4));
  const std::string text = nodes_of(b.graph);
  CHECK(text.find("MatMulNBits") < text.find("Add"));
  const auto scales = constant_named(b.graph, "_scale").values<float>();
  const auto unscaled = constant_named(plain.graph, "_scale").values<float>();
  for (size_t i = 0; i < scales.size(); ++i) CHECK(scales[i] == 2 * unscaled[i]);
}

TEST_CASE("convolutions have scales in blocks of input channels, or per output channel") {
  struct Case {
    Shape weights;
    DType stored;
    Shape scales;
  };
  for (const Case& c :
       {Case{{4, 40, 3, 3}, DType::Int4, {4, 3, 3, 3}}, Case{{4, 3, 3, 3}, DType::Int4, {4}},
        Case{{8, 16, 1, 1}, DType::Int4, {8}}, Case{{8, 1, 3, 3}, DType::Int8, {8}}}) {
    GraphBuilder b;
    const int64_t groups = c.weights[1] == 1 ? 8 : 1;
    const ValueId w = b.constant("w", c.weights, normals(c.weights.elements(), 2));
    b.output(b.node("Conv", "y", {b.input("x", {1, groups * c.weights[1], 5, 5}), w},
                    {{"group", groups}}));
    quantize(b.graph, config_of(DType::Int4));
    CHECK(constant_named(b.graph, "_quantized").dtype() == c.stored);
    CHECK(constant_named(b.graph, "_quantized").shape() == c.weights);
    CHECK(constant_named(b.graph, "_scale").shape() == c.scales);
  }
}

TEST_CASE("rows of an embedding are quantized where they are picked") {
  for (const auto format : {QuantFormat::Operator, QuantFormat::Dequantize}) {
    GraphBuilder b;
    const ValueId table = b.constant("w", {3, 64}, normals(192, 3));
    b.output(b.node("Gather", "y", {table, b.input("i", {2}, DType::Int64)}));
    quantize(b.graph, config_of(DType::UInt8, format));
    const char* expected =
        format == QuantFormat::Operator ? "GatherBlockQuantized" : "DequantizeLinear";
    CHECK(nodes_of(b.graph).find(expected) != std::string::npos);
    CHECK(constant_named(b.graph, "_scale").shape() == Shape{3, 4});
  }
}

TEST_CASE("float16 weights that would overflow stay in float, as does what can't shrink") {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 2});
  b.output(b.node("MatMul", "large", {x, b.constant("w", {2, 1}, {1e5f, 1})}));
  b.output(b.node("MatMul", "small", {x, b.constant("v", {2, 1}, {1, 2})}));
  Graph other(b.graph);
  const QuantizationReport halves = quantize(b.graph, config_of(DType::Float16));
  REQUIRE(halves.float_nodes.size() == 1);
  CHECK(halves.float_nodes[0].reason == "a weight is beyond the range of float16");
  CHECK(nodes_of(b.graph).find("Cast") != std::string::npos);
  const QuantizationReport codes = quantize(other, config_of(DType::Int8));
  REQUIRE(codes.float_nodes.size() == 2);
  CHECK(codes.float_nodes[1].reason == "its weights would not become smaller");
}

TEST_CASE("options that weight-only quantization does not have are refused") {
  GraphBuilder b;
  QuantizeConfig int16 = config_of(DType::Int16), odd = config_of(DType::Int4),
                 no_method = config_of(DType::Int4), no_samples = config_of(DType::Int4),
                 no_weights = config_of(DType::Int4), reduced = config_of(DType::Int8);
  odd.weights.block_size = 24;
  no_method.weights.method = "magic";
  no_samples.weights.method = "gptq";
  no_weights.op_types = {"LSTM"};
  reduced.weights.reduce_range = true;
  for (const QuantizeConfig& config : {int16, odd, no_method, no_samples, no_weights, reduced})
    CHECK_THROWS_AS(make_weight_only_quantizer(b.graph, config), Error);
}

TEST_CASE("weights that are not finite end the job with an error") {
  GraphBuilder b;
  std::vector<float> w = normals(64, 4);
  w[5] = INFINITY;
  b.output(b.node("MatMul", "y", {b.input("x", {1, 32}), b.constant("w", {32, 2}, w)}));
  CHECK_THROWS_WITH(quantize(b.graph, config_of(DType::Int4)), Catch::Contains("not finite"));
}

TEST_CASE("the least squared error lies within the extremes, the mean's range too") {
  std::vector<float> block = normals(32, 5);
  block[7] = 9;
  const auto scale = [&](const char* method) {
    return RangeRule(method, DType::Int4, true).params(block).scale;
  };
  CHECK(scale("minmax") == Approx(9.0f / 7));
  CHECK(scale("mse") < scale("minmax"));
  CHECK(scale("mean") < scale("minmax"));
}

namespace {
constexpr size_t kColumns = 24, kRows = 5, kSamples = 64;

// Vectors whose elements follow one another closely.
std::vector<float> correlated_samples() {
  std::vector<float> x = normals(kSamples * kColumns, 6);
  for (size_t i = 0; i < x.size(); ++i)
    if (i % kColumns != 0) x[i] = 0.8f * x[i - 1] + 0.6f * x[i];
  return x;
}

using Matrix = std::vector<std::vector<double>>;

Matrix square(size_t n) {
  return Matrix(n, std::vector<double>(n));
}

Matrix inverse(Matrix a) {
  Matrix out = square(a.size());
  for (size_t i = 0; i < a.size(); ++i) out[i][i] = 1;
  for (size_t i = 0; i < a.size(); ++i) {
    const double pivot = a[i][i];
    for (size_t c = 0; c < a.size(); ++c) a[i][c] /= pivot, out[i][c] /= pivot;
    for (size_t r = 0; r < a.size(); ++r) {
      const double factor = a[r][i];
      if (r == i) continue;
      for (size_t c = 0; c < a.size(); ++c)
        a[r][c] -= factor * a[i][c], out[r][c] -= factor * out[i][c];
    }
  }
  return out;
}

// U with Uᵀ U = a, upper triangular.
Matrix upper_factor(const Matrix& a) {
  Matrix u = square(a.size());
  for (size_t i = 0; i < a.size(); ++i)
    for (size_t j = i; j < a.size(); ++j) {
      double sum = a[i][j];
      for (size_t k = 0; k < i; ++k) sum -= u[k][i] * u[k][j];
      u[i][j] = i == j ? std::sqrt(sum) : sum / u[i][i];
    }
  return u;
}

// Algorithm 1 of Frantar et al., for a row of weights and one scale.
std::vector<uint8_t> gptq_of_the_paper(std::vector<double> w, const Matrix& h, float scale) {
  const Matrix u = upper_factor(inverse(h));
  std::vector<uint8_t> codes;
  for (size_t i = 0; i < w.size(); ++i) {
    const double code = std::min(std::max(std::nearbyint(w[i] / scale), -7.0), 7.0);
    codes.push_back(static_cast<uint8_t>(static_cast<int8_t>(code)));
    const double error = (w[i] - code * scale) / u[i][i];
    for (size_t j = i; j < w.size(); ++j) w[j] -= error * u[i][j];
  }
  return codes;
}
} // namespace

TEST_CASE("GPTQ chooses the codes that its paper's algorithm chooses") {
  const std::vector<float> x = correlated_samples(), w = normals(kRows * kColumns, 7);
  const WeightMatrix matrix{w.data(), kRows, kColumns, 1, {kColumns, 1, kColumns}};
  const RangeRule rule("minmax", DType::Int4, true);
  Gram gram(kColumns);
  gram.add(x);
  while (!gram.factor(matrix.blocks)) {
  }
  BlockWeights out = make_block_weights(matrix);
  gptq_rows(matrix, rule, gram, 0, kRows, out);
  Matrix h = square(kColumns);
  double trace = 0;
  for (size_t s = 0; s < kSamples; ++s)
    for (size_t i = 0; i < kColumns; ++i)
      for (size_t j = 0; j < kColumns; ++j)
        h[i][j] += double{x[s * kColumns + i]} * x[s * kColumns + j];
  for (size_t i = 0; i < kColumns; ++i) trace += h[i][i];
  for (size_t i = 0; i < kColumns; ++i) h[i][i] += 0.01 * trace / kColumns;
  for (size_t row = 0; row < kRows; ++row) {
    const auto begin = static_cast<ptrdiff_t>(row * kColumns);
    const std::vector<double> given(w.begin() + begin, w.begin() + begin + kColumns);
    const std::vector<uint8_t> codes(out.codes.begin() + begin,
                                     out.codes.begin() + begin + kColumns);
    CHECK(codes == gptq_of_the_paper(given, h, out.scales[row]));
  }
}

TEST_CASE("errors of results are those that the samples show, and GPTQ's are smaller") {
  const std::vector<float> x = correlated_samples(), w = normals(kRows * kColumns, 8);
  const WeightMatrix matrix{w.data(), kRows, kColumns, 1, {kColumns, 1, 8}};
  const RangeRule rule("mse", DType::Int4, true);
  Gram gram(kColumns);
  gram.add(x);
  double noise[2];
  for (const bool by_samples : {false, true}) {
    BlockWeights out = make_block_weights(matrix);
    while (by_samples && !gram.factor(matrix.blocks)) {
    }
    REQUIRE(gram.is_factored() == by_samples);
    if (by_samples)
      gptq_rows(matrix, rule, gram, 0, kRows, out);
    else
      round_rows(matrix, rule, 0, kRows, out);
    OutputError measured;
    measure_rows(matrix, out, DType::Int4, gram, 0, kRows, measured);
    double signal = 0, error = 0;
    for (size_t s = 0; s < kSamples; ++s)
      for (size_t row = 0; row < kRows; ++row) {
        double y = 0, lost = 0;
        for (size_t c = 0; c < kColumns; ++c) {
          const float real = out.scales[row * 3 + c / 8] *
                             static_cast<float>(static_cast<int8_t>(out.codes[row * kColumns + c]));
          y += double{w[row * kColumns + c]} * x[s * kColumns + c];
          lost += (double{w[row * kColumns + c]} - real) * x[s * kColumns + c];
        }
        signal += y * y;
        error += lost * lost;
      }
    CHECK(measured.signal == Approx(signal).epsilon(1e-3));
    CHECK(measured.noise == Approx(error).epsilon(by_samples ? 1e-2 : 1e-3));
    noise[by_samples] = error;
  }
  CHECK(noise[1] < 0.6 * noise[0]);
}

TEST_CASE("samples that are not finite are refused, naming the value") {
  ReductionSink sink(true);
  const size_t tap = sink.add_taps("x", 2, 1);
  const float values[] = {1, NAN};
  CHECK_THROWS_WITH(sink.observe_reductions(tap, values), Catch::Contains("'x'"));
}
