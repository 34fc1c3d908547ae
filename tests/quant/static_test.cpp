// Static quantization, as printed graphs.
#include "quant/static.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include "base/error.h"
#include "passes/pipeline.h"
#include "runtime/session.h"
#include "tests/support/graph_builder.h"

using namespace octet;
using octet::test::GraphBuilder;
using octet::test::nodes_of;

namespace {
// Calibrated on one sample per row of `samples`, feeds for the only input.
QuantizationReport quantize(Graph& graph, const std::vector<std::vector<float>>& samples,
                            QuantizeConfig config = {}) {
  const auto job = make_static_quantizer(graph, std::move(config));
  Session session(std::make_unique<Graph>(graph), lower, {.sink = job->calibrator()});
  const Port port = session.inputs()[0];
  for (const auto& sample : samples) {
    const NamedTensor feed{port.name,
                           Tensor::of<float>(*port.type.shape, std::span<const float>(sample))};
    session.run({&feed, 1}, {});
    while (job->digest()) {
    }
  }
  while (job->step()) {
  }
  return job->finish();
}

size_t count(const Graph& graph, const std::string& op_type) {
  size_t found = 0;
  for (NodeId id : graph.nodes()) found += graph.node(id).op_type == op_type;
  return found;
}

const QuantizedTensor* find(const QuantizationReport& report, const std::string& name) {
  for (const QuantizedTensor& tensor : report.tensors)
    if (tensor.name == name) return &tensor;
  return nullptr;
}
} // namespace

TEST_CASE("a product reads codes, constant codes and an int32 bias; its output stays real") {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 2});
  const ValueId w = b.constant("w", {2, 1}, {1.27f, -0.5f});
  b.output(b.node("Gemm", "y", {x, w, b.constant("c", {1}, {2})}));
  const QuantizationReport report = quantize(b.graph, {{-1, 0.5f}, {1.55f, 0}});
  CHECK(count(b.graph, "QuantizeLinear") == 1);
  CHECK(count(b.graph, "DequantizeLinear") == 3);
  CHECK(b.graph.value(b.graph.outputs()[0]).name == "y");
  REQUIRE(find(report, "x"));
  CHECK(find(report, "x")->scale_max == Approx(0.01));
  CHECK(find(report, "w")->scale_max == Approx(0.01));
  bool found_bias = false;
  for (size_t i = 0; i < b.graph.value_count(); ++i)
    if (const Tensor* t = b.graph.constant(ValueId(i)); t && t->dtype() == DType::Int32) {
      found_bias = true;
      CHECK(t->values<int32_t>()[0] == Approx(20000).margin(2));
    }
  CHECK(found_bias);
}

TEST_CASE("what lies between products stays integer, a Relu belongs to what it follows") {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 1, 2, 2});
  const ValueId w = b.constant("w", {1, 1, 1, 1}, {2});
  const ValueId first = b.node("Relu", "relu", {b.node("Conv", "conv", {x, w})});
  const ValueId sum = b.node("Add", "sum", {first, x});
  b.output(b.node("Softmax", "y", {b.node("Conv", "last", {sum, w})}));
  const QuantizationReport report = quantize(b.graph, {{-1, 2, 3, 4}});
  CHECK(count(b.graph, "QuantizeLinear") == 3);
  CHECK(find(report, "x"));
  CHECK(find(report, "relu"));
  CHECK(find(report, "sum"));
  CHECK_FALSE(find(report, "conv"));
  CHECK_FALSE(find(report, "last"));
}

TEST_CASE(
    "a product whose operand is mostly far smaller than at its largest measures it at each run") {
  for (const bool adaptive : {true, false}) {
    GraphBuilder b;
    const ValueId x = b.input("x", {1, 2});
    const ValueId w = b.constant("w", {2, 2}, {1, 2, 3, 4});
    b.output(b.node("MatMul", "y", {x, w}));
    QuantizeConfig config;
    config.activations.adaptive = adaptive;
    const QuantizationReport report =
        quantize(b.graph, {{-1, 1}, {-1, 1.5f}, {-90, 165}}, std::move(config));
    CHECK(count(b.graph, "MatMulInteger") == (adaptive ? 1 : 0));
    CHECK(count(b.graph, "QuantizeLinear") == (adaptive ? 0 : 1));
    REQUIRE(find(report, "x"));
    CHECK(find(report, "x")->method == (adaptive ? "dynamic" : "minmax"));
    CHECK(find(report, "x")->scale_max == Approx(1));
    CHECK(find(report, "x")->scale_min == Approx(adaptive ? 2.0 / 255 : 1));
  }
}

TEST_CASE("functions of single elements behind a product are rounded once") {
  GraphBuilder b;
  ValueId x = b.input("x", {1, 2});
  for (const char* name : {"a", "b"}) {
    const std::string base = name;
    x = b.node("Gemm", (base + "_gemm").c_str(),
               {x, b.constant((base + "_w").c_str(), {2, 2}, {1, 2, 3, 4})});
    x = b.node("HardSwish", (base + "_swish").c_str(), {x});
    x = b.node("Mul", (base + "_scaled").c_str(), {x, b.constant((base + "_c").c_str(), {1}, {2})});
  }
  b.output(x);
  const QuantizationReport report = quantize(b.graph, {{1, 2}});
  CHECK(find(report, "x"));
  CHECK(find(report, "a_scaled"));
  CHECK(count(b.graph, "QuantizeLinear") == 2);
}

TEST_CASE("functions behind a convolution read its rounded result") {
  GraphBuilder b;
  const ValueId w = b.constant("w", {1, 1, 1, 1}, {2});
  const ValueId conv = b.node("Conv", "conv", {b.input("x", {1, 1, 2, 2}), w});
  const ValueId swish = b.node("HardSwish", "swish", {conv});
  const ValueId scaled = b.node("Mul", "scaled", {swish, b.constant("c", {1}, {2})});
  b.output(b.node("Conv", "y", {scaled, w}));
  const QuantizationReport report = quantize(b.graph, {{-1, 2, 3, 4}});
  CHECK(find(report, "conv"));
  CHECK_FALSE(find(report, "swish"));
  CHECK(find(report, "scaled"));
}

TEST_CASE("weights that are next to nothing get scales under which their bias fits into int32") {
  for (const bool per_channel : {true, false}) {
    GraphBuilder b;
    const ValueId x = b.input("x", {1, 1, 1, 2});
    const ValueId w = b.constant("w", {2, 1, 1, 1}, {1e-18f, per_channel ? 1.27f : 1e-19f});
    b.output(b.node("Conv", "y", {x, w, b.constant("c", {2}, {-3, 2})}));
    QuantizeConfig config;
    config.weights.per_channel = per_channel;
    const QuantizationReport report = quantize(b.graph, {{0, 2.55f}}, std::move(config));
    REQUIRE(find(report, "w"));
    CHECK(find(report, "w")->scale_min == Approx(3 / (0.01 * (1 << 29))));
    std::vector<int32_t> bias;
    for (size_t i = 0; i < b.graph.value_count(); ++i)
      if (const Tensor* t = b.graph.constant(ValueId(i)); t && t->dtype() == DType::Int32)
        bias.assign(t->values<int32_t>().begin(), t->values<int32_t>().end());
    REQUIRE(bias.size() == 2);
    CHECK(bias[0] == Approx(-(1 << 29)).epsilon(1e-6));
    CHECK(bias[1] == Approx(per_channel ? 20000 : (1 << 29) * 2.0 / 3).epsilon(1e-4));
  }
}

TEST_CASE("sizes that grow by repeating elements keep their parameters, those that interpolate are "
          "real") {
  for (const char* mode : {"nearest", "linear"}) {
    GraphBuilder b;
    const ValueId w = b.constant("w", {1, 1, 1, 1}, {1});
    const ValueId conv = b.node("Conv", "conv", {b.input("x", {1, 1, 2, 2}), w});
    const ValueId grown =
        b.node("Resize", "grown", {conv, ValueId(), b.constant("scales", {4}, {1, 1, 2, 2})},
               {{"mode", std::string(mode)}});
    b.output(b.node("Conv", "y", {grown, w}));
    const QuantizationReport report = quantize(b.graph, {{1, 2, 3, 4}});
    CHECK((find(report, "conv") != nullptr) == (std::string(mode) == "nearest"));
    CHECK(find(report, "grown"));
  }
}

TEST_CASE("a sum that only float nodes read stays float") {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 2});
  const ValueId w = b.constant("w", {2, 2}, {1, 2, 3, 4});
  const ValueId sum = b.node("Add", "sum", {b.node("MatMul", "p", {x, w}), x});
  b.output(b.node("Softmax", "y", {sum}));
  const QuantizationReport report = quantize(b.graph, {{1, 2}});
  CHECK_FALSE(find(report, "sum"));
  CHECK_FALSE(find(report, "p"));
}

TEST_CASE("operators that move elements share the parameters of what they read") {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 1, 2, 2});
  const ValueId w = b.constant("w", {1, 1, 1, 1}, {1}), v = b.constant("v", {1, 1, 1, 1}, {10});
  const ValueId both =
      b.node("Concat", "both", {b.node("Conv", "a", {x, w}), b.node("Conv", "b", {x, v})},
             {{"axis", int64_t{2}}});
  b.output(b.node("Conv", "y", {both, w}));
  const QuantizationReport report = quantize(b.graph, {{0, 1, 2, 2.55f}});
  REQUIRE((find(report, "a") && find(report, "b") && find(report, "both")));
  CHECK(find(report, "a")->scale_max == find(report, "both")->scale_max);
  CHECK(find(report, "b")->scale_max == Approx(0.1));
}

TEST_CASE("what is excluded reads real values") {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 2});
  const ValueId w = b.constant("w", {2, 1}, {1, 2});
  b.output(b.node("MatMul", "kept", {x, w}));
  b.output(b.node("MatMul", "made", {x, w}));
  QuantizeConfig config;
  config.exclude_nodes = {"kept"};
  const QuantizationReport report = quantize(b.graph, {{1, 2}}, config);
  REQUIRE(report.float_nodes.size() == 1);
  CHECK(report.float_nodes[0].name == "kept");
  CHECK(nodes_of(b.graph).find("kept = MatMul(x, w)") != std::string::npos);
}

TEST_CASE("what no sample reached stays as it was") {
  GraphBuilder b;
  b.output(b.node("MatMul", "y", {b.input("x", {1, 2}), b.constant("w", {2, 1}, {1, 2})}));
  const QuantizationReport report = quantize(b.graph, {});
  REQUIRE(report.float_nodes.size() == 1);
  CHECK(report.float_nodes[0].reason == "no calibration sample reached it");
  CHECK(nodes_of(b.graph) == "y = MatMul(x, w)\n");
}

TEST_CASE("samples that are not finite, and options that do not exist, are refused") {
  GraphBuilder b;
  b.output(b.node("MatMul", "y", {b.input("x", {1, 2}), b.constant("w", {2, 1}, {1, 2})}));
  Graph other(b.graph);
  CHECK_THROWS_WITH(quantize(b.graph, {{NAN, 1}}), Catch::Contains("'x'"));
  QuantizeConfig int4, no_method, no_share;
  int4.activations.type = DType::Int4;
  no_method.activations.method = "magic";
  no_share.activations.percentile = 0;
  for (const QuantizeConfig& config : {int4, no_method, no_share})
    CHECK_THROWS_AS(make_static_quantizer(other, config), Error);
}

namespace {
// The mean of each output channel over the samples, in Octet's own run of the graph.
std::vector<double> mean_outputs(const Graph& graph,
                                 const std::vector<std::vector<float>>& samples) {
  Session session(std::make_unique<Graph>(graph), lower, {});
  const Port port = session.inputs()[0];
  std::vector<double> sums;
  for (const auto& sample : samples) {
    const NamedTensor feed{port.name,
                           Tensor::of<float>(*port.type.shape, std::span<const float>(sample))};
    const auto outputs = session.run({&feed, 1}, {});
    const auto values = outputs[0].values<float>();
    sums.resize(values.size());
    for (size_t i = 0; i < values.size(); ++i)
      sums[i] += values[i] / static_cast<double>(samples.size());
  }
  return sums;
}

// Samples around 1, so that a rounded weight shifts the mean of the results.
Graph product_graph(const char* op_type, bool with_bias) {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 3});
  const ValueId w = b.constant("w", {3, 2}, {1.27f, 10, 0.334f, 0.66f, -0.126f, -0.33f});
  std::vector<ValueId> inputs{x, w};
  const bool is_gemm = std::string_view(op_type) == "Gemm";
  if (with_bias && is_gemm) inputs.push_back(b.constant("c", {2}, {2, -1}));
  ValueId y = b.node(op_type, "y", inputs);
  if (with_bias && !is_gemm) y = b.node("Add", "z", {y, b.constant("c", {2}, {2, -1})});
  b.output(y);
  return b.graph;
}

double largest_shift(Graph graph, bool correct) {
  const std::vector<std::vector<float>> samples{{1, 1.2f, 0.9f}, {0, 1.8f, 2}, {0.8f, 1, 1}};
  const std::vector<double> wanted = mean_outputs(graph, samples);
  QuantizeConfig config;
  config.weights.per_channel = true;
  config.correct_bias = correct;
  quantize(graph, samples, config);
  const std::vector<double> got = mean_outputs(graph, samples);
  double shift = 0;
  for (size_t i = 0; i < wanted.size(); ++i) shift = std::max(shift, std::abs(got[i] - wanted[i]));
  return shift;
}
} // namespace

TEST_CASE("bias correction takes out the shift of the mean, with a bias and without") {
  for (const auto& [op_type, with_bias] :
       {std::pair("Gemm", true), std::pair("Gemm", false), std::pair("MatMul", true)}) {
    INFO(op_type << (with_bias ? " with a bias" : ""));
    const double before = largest_shift(product_graph(op_type, with_bias), false);
    CHECK(before > 0.01);
    CHECK(largest_shift(product_graph(op_type, with_bias), true) < 0.5 * before);
  }
}

TEST_CASE("AdaRound in static quantization names itself and the SQNR of the results") {
  Graph graph = product_graph("Gemm", true);
  QuantizeConfig config;
  config.weights.method = "adaround";
  const QuantizationReport report = quantize(graph, {{1, 1.2f, 0.9f}, {0, 1.8f, 2}}, config);
  REQUIRE(find(report, "w"));
  CHECK(find(report, "w")->method == "adaround");
  CHECK(find(report, "w")->output_sqnr_db > 30);
}

TEST_CASE("powers of two are written for what products read, and for nobody else") {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 2});
  const ValueId w = b.constant("w", {2, 2}, {1, -2, 3, 4});
  const ValueId y = b.node("MatMul", "y", {x, w});
  const ValueId r = b.node("Relu", "r", {y});
  const ValueId z = b.node("MatMul", "z", {r, w});
  b.output(b.node("Add", "s", {z, r}));
  QuantizeConfig config;
  config.activations.scheme = ActivationScheme::Log2;
  const auto report = quantize(b.graph, {{-1, 3}}, config);
  CHECK(count(b.graph, "Log2Quantize") == 2);
  CHECK(count(b.graph, "Log2Dequantize") == 2);
  CHECK(count(b.graph, "QuantizeLinear") == 0);
  const auto entry = std::find_if(report.tensors.begin(), report.tensors.end(),
                                  [](const QuantizedTensor& tensor) { return tensor.name == "x"; });
  REQUIRE(entry != report.tensors.end());
  CHECK(entry->log2_levels == 15);
  CHECK(entry->scale_min == std::ldexp(1.0f, 2 - 14)); // 3 is nearest to 4: half way goes up
  CHECK(entry->sqnr_db == Approx(10.0));               // 10 and 1
  CHECK(b.graph.model.opset("ai.octet") == 1);
  for (NodeId id : b.graph.nodes())
    if (b.graph.node(id).op_type == "Add") CHECK(b.graph.node(id).inputs[1] == r);
}

TEST_CASE("as operators on codes: what lies between products never turns real") {
  for (const DType type : {DType::UInt8, DType::Int8}) {
    GraphBuilder b;
    const ValueId x = b.input("x", {1, 1, 4, 4});
    const ValueId w = b.constant("w", {1, 1, 1, 1}, {2});
    const ValueId bias = b.constant("c", {1}, {0.5f});
    const ValueId first = b.node("Relu", "relu", {b.node("Conv", "conv", {x, w, bias})});
    const ValueId pooled = b.node(
        "MaxPool", "pooled", {first},
        {{"kernel_shape", std::vector<int64_t>{2, 2}}, {"strides", std::vector<int64_t>{2, 2}}});
    const ValueId twice = b.node("Add", "sum", {pooled, pooled});
    b.output(b.node("Softmax", "y", {b.node("Conv", "last", {twice, w})}));
    QuantizeConfig config;
    config.format = QuantFormat::Operator;
    config.activations.type = type;
    config.activations.symmetric = type == DType::Int8;
    std::vector<float> sample(16);
    for (size_t i = 0; i < sample.size(); ++i) sample[i] = static_cast<float>(i) - 4;
    quantize(b.graph, {sample}, std::move(config));
    CHECK(count(b.graph, "QLinearConv") == 2);
    CHECK(count(b.graph, "QLinearAdd") == 1);
    CHECK(count(b.graph, "QuantizeLinear") == 1);
    CHECK(count(b.graph, "DequantizeLinear") == 1);
    // Codes of a symmetric range go below zero: a Relu is left of them.
    CHECK(count(b.graph, "Clip") == (type == DType::Int8 ? 1 : 0));
    CHECK(count(b.graph, "Relu") == 0);
    CHECK(b.graph.model.opset("com.microsoft") == 1);
  }
}

TEST_CASE("a Gemm whose result is read as real numbers yields these from codes") {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 2});
  const ValueId w = b.constant("w", {2, 2}, {1, 2, 3, 4});
  b.output(b.node("Gemm", "y", {x, w, b.constant("c", {2}, {1, 2})}));
  QuantizeConfig config;
  config.format = QuantFormat::Operator;
  quantize(b.graph, {{-1, 2}}, std::move(config));
  CHECK(count(b.graph, "QGemm") == 1);
  CHECK(count(b.graph, "DequantizeLinear") == 0);
  for (NodeId id : b.graph.nodes())
    if (b.graph.node(id).op_type == "QGemm") CHECK(b.graph.node(id).inputs.size() == 7);
}

TEST_CASE("pairs of 16 bits are onnxruntime's own until ONNX has them") {
  for (const int64_t opset : {17, 21}) {
    for (const DType type : {DType::UInt16, DType::Int16}) {
      GraphBuilder b(opset);
      const ValueId x = b.input("x", {1, 2});
      b.output(b.node("MatMul", "y", {x, b.constant("w", {2, 1}, {1, -1})}));
      QuantizeConfig config;
      config.activations.type = type;
      const QuantizationReport report = quantize(b.graph, {{-1, 1}}, std::move(config));
      CHECK(find(report, "x")->scale_max == Approx(2.0 / 65535));
      for (NodeId id : b.graph.nodes()) {
        const Node& node = b.graph.node(id);
        if (node.op_type != "QuantizeLinear") continue;
        CHECK(node.domain == (opset < 21 ? "com.microsoft" : ""));
        CHECK(b.graph.constant(node.inputs[2])->dtype() == type);
      }
    }
  }
}

namespace {
// A log-spectrum of what windows of x with `taps` equal weights sum up to.
void add_log_bands(GraphBuilder& b, ValueId x, int64_t length, int64_t taps) {
  const ValueId sums = b.node(
      "Conv", "transform",
      {x, b.constant("basis", {2, 1, taps}, std::vector<float>(2 * static_cast<size_t>(taps), 1))});
  const int64_t windows = length - taps + 1;
  const ValueId filters =
      b.constant("mel", {windows, 3}, std::vector<float>(3 * static_cast<size_t>(windows), 1));
  const ValueId bands =
      b.node("MatMul", "bands", {b.node("Mul", "energies", {sums, sums}), filters});
  const ValueId clipped = b.node("Clip", "clipped", {bands, b.constant("least", {}, {1e-5f})});
  const ValueId log = b.node("Log", "log", {clipped});
  b.output(b.node("MatMul", "next", {log, b.constant("w", {3, 1}, {1, 2, 3})}));
}

QuantizeConfig with_wide_spectra() {
  QuantizeConfig config;
  config.spectra = SpectrumHandling::SixteenBits;
  return config;
}
} // namespace

TEST_CASE("a signal whose logarithmic spectrum counts is int16, for who makes that alone") {
  for (const int64_t opset : {17, 21}) {
    GraphBuilder b(opset);
    const ValueId x = b.input("x", {1, 1, 4});
    add_log_bands(b, x, 4, 2);
    b.output(b.node("Conv", "beside", {x, b.constant("taps", {1, 1, 2}, {1, -1})}));
    const QuantizationReport report = quantize(b.graph, {{-1, 1, 0.5f, 0}}, with_wide_spectra());
    REQUIRE(report.float_nodes.size() == 1);
    CHECK(report.float_nodes[0].name == "bands");
    std::vector<std::string> read;
    for (const QuantizedTensor& tensor : report.tensors) {
      if (tensor.role != TensorRole::Activations) continue;
      read.push_back(concat(tensor.node, " ", tensor.name, " ", dtype_name(tensor.type)));
      CHECK(tensor.reason.empty() == (tensor.type == DType::UInt8));
    }
    std::sort(read.begin(), read.end());
    CHECK(read ==
          std::vector<std::string>{"beside x uint8", "next log uint8", "transform x int16"});
    for (NodeId id : b.graph.nodes()) {
      const Node& node = b.graph.node(id);
      if (node.op_type != "QuantizeLinear") continue;
      const bool is_wide = b.graph.constant(node.inputs[2])->dtype() == DType::Int16;
      CHECK(node.domain == (is_wide && opset < 21 ? "com.microsoft" : ""));
    }
  }
}

TEST_CASE("ranges of int16 signals are fixed, however widely samples differ") {
  GraphBuilder b;
  add_log_bands(b, b.input("x", {1, 1, 4}), 4, 2);
  const QuantizationReport report =
      quantize(b.graph, {{-1, 1, 0.5f, 0}, {-1, 1, 1, 1}, {-99, 99, 0, 9}}, with_wide_spectra());
  REQUIRE(find(report, "x"));
  CHECK(find(report, "x")->type == DType::Int16);
  CHECK(find(report, "x")->method == "minmax");
  CHECK(find(report, "x")->drift == Approx(99));
}

TEST_CASE("a spectrum stays in float where 32 bits do not hold its sums, or the options say so") {
  const auto left = [](int64_t taps, QuantizeConfig config) {
    GraphBuilder b;
    add_log_bands(b, b.input("x", {1, 1, taps + 1}), taps + 1, taps);
    const std::vector<float> sample(static_cast<size_t>(taps) + 1, 1);
    const QuantizationReport report = quantize(b.graph, {sample}, std::move(config));
    std::string names;
    for (const FloatNode& node : report.float_nodes) names += node.name + " ";
    const bool is_real = nodes_of(b.graph).find("transform = Conv(x, basis)") != std::string::npos;
    CHECK(is_real == (names.find("transform") != std::string::npos));
    return names;
  };
  // 127 · taps, below and above 2^16.
  CHECK(left(516, with_wide_spectra()) == "bands ");
  CHECK(left(517, with_wide_spectra()) == "bands transform ");
  CHECK(left(2, {}) == "transform bands ");
  QuantizeConfig codes = with_wide_spectra(), log2 = with_wide_spectra();
  codes.format = QuantFormat::Operator;
  log2.activations.scheme = ActivationScheme::Log2;
  CHECK(left(2, codes) == "transform bands ");
  CHECK(left(2, log2) == "transform bands ");
}

TEST_CASE("ranges of weights by mean and least squared error cut outliers off") {
  std::vector<float> weights(64, 0.1f);
  for (size_t i = 0; i < weights.size(); i += 2) weights[i] = -0.07f;
  weights[5] = 3;
  for (const bool per_channel : {true, false}) {
    double scale_of_extremes = 0;
    for (const char* method : {"minmax", "mean", "mse"}) {
      GraphBuilder b;
      const ValueId x = b.input("x", {1, 32});
      b.output(b.node("MatMul", "y", {x, b.constant("w", {32, 2}, weights)}));
      QuantizeConfig config;
      config.weights.method = method;
      config.weights.per_channel = per_channel;
      const QuantizationReport report = quantize(b.graph, {std::vector<float>(32, 1)}, config);
      CHECK(find(report, "w")->method == method);
      const double largest = find(report, "w")->scale_max;
      if (std::string(method) == "minmax") scale_of_extremes = largest;
      CHECK(largest <= scale_of_extremes);
      // 2 · mean|w| · √127 (Esser et al., Learned Step Size Quantization)
      if (std::string(method) == "mean" && !per_channel)
        CHECK(largest ==
              Approx(2 * (31 * 0.1 + 32 * 0.07 + 3) / 64 * std::sqrt(127.0) / 127).epsilon(0.01));
    }
  }
}

TEST_CASE("static quantization names the options that do not go together") {
  const auto refuses = [](QuantizeConfig config) {
    GraphBuilder b;
    b.output(b.node("Relu", "y", {b.input("x", {1})}));
    CHECK_THROWS_AS(make_static_quantizer(b.graph, std::move(config)), Error);
  };
  QuantizeConfig config;
  config.format = QuantFormat::Operator;
  config.activations.type = DType::Int16;
  refuses(config);
  config = {};
  config.weights.block_size = 32;
  refuses(config);
  config = {};
  config.weights.method = "gptq";
  refuses(config);
}
