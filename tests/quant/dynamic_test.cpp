// Dynamic quantization, as printed graphs and weights.
#include "quant/dynamic.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "base/error.h"
#include "quant/weights.h"
#include "tests/support/graph_builder.h"

using namespace octet;
using octet::test::GraphBuilder;
using octet::test::nodes_of;

namespace {
QuantizationReport quantize(Graph& graph, QuantizeConfig config = {}) {
  const auto job = make_dynamic_quantizer(graph, std::move(config));
  while (job->step()) {
  }
  return job->finish();
}
} // namespace

TEST_CASE("a product becomes DynamicQuantizeLinear and MatMulInteger, the output keeps its name") {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 2});
  const ValueId w = b.constant("w", {2, 2}, {1, -2, 3, 4});
  b.output(b.node("MatMul", "y", {x, w}));
  const QuantizationReport report = quantize(b.graph);
  CHECK(nodes_of(b.graph).find("MatMulInteger") != std::string::npos);
  CHECK(b.graph.value(b.graph.outputs()[0]).name == "y");
  CHECK_FALSE(b.graph.value(w).constant);
  REQUIRE(report.tensors.size() == 1);
  CHECK(report.tensors[0].name == "w");
  CHECK(report.tensors[0].scale_max == Approx(4.0f / 127));
}

TEST_CASE("two readers of one activation share its quantization") {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 2});
  b.output(b.node("MatMul", "a", {x, b.constant("w", {2, 1}, {1, 2})}));
  b.output(b.node("MatMul", "b", {x, b.constant("v", {2, 1}, {3, 4})}));
  quantize(b.graph);
  const std::string text = nodes_of(b.graph);
  const size_t first = text.find("DynamicQuantizeLinear");
  CHECK(first != std::string::npos);
  CHECK(text.find("DynamicQuantizeLinear", first + 1) == std::string::npos);
}

TEST_CASE("what stays in float is reported with its reason") {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 2});
  b.output(b.node("MatMul", "a", {x, b.input("w", {2, 1})}));
  b.output(b.node("MatMul", "b", {x, b.constant("v", {2, 1}, {3, 4})}));
  QuantizeConfig config;
  config.exclude_nodes = {"b"};
  const QuantizationReport report = quantize(b.graph, config);
  REQUIRE(report.float_nodes.size() == 2);
  CHECK(report.float_nodes[0].reason == "its right operand is not a float32 constant");
  CHECK(report.float_nodes[1].reason == "excluded by the options");
  CHECK(report.tensors.empty());
}

TEST_CASE("a transposed Gemm stores its weights the other way round") {
  GraphBuilder b;
  const ValueId w = b.constant("w", {2, 3}, {127, 0, 0, 0, 0, -127});
  b.output(b.node("Gemm", "y", {b.input("x", {1, 3}), w, b.constant("c", {2}, {5, 6})},
                  {{"transB", int64_t{1}}}));
  quantize(b.graph);
  for (size_t i = 0; i < b.graph.value_count(); ++i) {
    const Tensor* t = b.graph.constant(ValueId(i));
    if (!t || t->dtype() != DType::Int8 || t->elements() != 6) continue;
    CHECK(t->shape() == Shape{3, 2});
    CHECK(std::vector<int8_t>(t->values<int8_t>().begin(), t->values<int8_t>().end()) ==
          std::vector<int8_t>{127, 0, 0, 0, 0, -127});
  }
}

TEST_CASE("per-channel weights that must share a zero point still cover every channel") {
  const std::vector<float> w{-1, 3, 0, 2, -4, 0.5f};
  const WeightOptions options{.type = DType::UInt8, .symmetric = false, .per_channel = true};
  const QuantizedWeights q = quantize_weights(w, {3, 2}, options, true);
  REQUIRE(q.scales.size() == 3);
  for (size_t i = 0; i < w.size(); ++i) {
    CHECK(q.zero_points[i / 2] == q.zero_points[0]);
    const float back =
        q.scales[i / 2] * static_cast<float>(q.code_bytes()[i] - q.zero_points[i / 2]);
    CHECK(std::abs(back - w[i]) <= q.scales[i / 2] * 0.501f);
  }
}

TEST_CASE("options that dynamic quantization does not have are refused") {
  GraphBuilder b;
  QuantizeConfig int4, conv_only;
  int4.weights.type = DType::Int4;
  conv_only.op_types = {"Relu"};
  CHECK_THROWS_AS(make_dynamic_quantizer(b.graph, int4), Error);
  CHECK_THROWS_AS(make_dynamic_quantizer(b.graph, conv_only), Error);
}

TEST_CASE("weights that are not finite leave the job with an error, the graph whole") {
  GraphBuilder b;
  b.output(b.node("MatMul", "y", {b.input("x", {1, 2}), b.constant("w", {2, 1}, {NAN, 1})}));
  const auto job = make_dynamic_quantizer(b.graph, {});
  CHECK_THROWS_AS(job->step(), Error);
  CHECK(nodes_of(b.graph) == "y = MatMul(x, w)\n");
}

namespace {
// Energies of two transformed halves, as exporters spell the magnitudes of a Fourier transform.
ValueId energies(GraphBuilder& b, ValueId x) {
  const ValueId both =
      b.node("Conv", "transform", {x, b.constant("basis", {4, 1, 2}, std::vector<float>(8, 1))});
  const ValueId axis = b.ints("axis", {1});
  const ValueId real = b.node("Slice", "real", {both, b.ints("0", {0}), b.ints("2", {2}), axis});
  const ValueId imaginary =
      b.node("Slice", "imaginary", {both, b.ints("from", {2}), b.ints("to", {4}), axis});
  const ValueId two = b.constant("two", {}, {2});
  return b.node(
      "Add", "energies",
      {b.node("Pow", "real2", {real, two}), b.node("Mul", "imaginary2", {imaginary, imaginary})});
}

std::vector<std::string> left_in_float(GraphBuilder& b, QuantizeConfig config = {}) {
  std::vector<std::string> names;
  for (const auto& node : quantize(b.graph, std::move(config)).float_nodes)
    names.push_back(node.name);
  return names;
}

using Names = std::vector<std::string>;
} // namespace

TEST_CASE("what a logarithm of a spectrum is made of stays in float, unless the user insists") {
  for (const SpectrumHandling spectra : {SpectrumHandling::Float, SpectrumHandling::AsOthers}) {
    GraphBuilder b;
    const ValueId x = b.input("x", {1, 1, 8});
    const ValueId bands = b.node(
        "MatMul", "bands", {energies(b, x), b.constant("mel", {7, 3}, std::vector<float>(21, 1))});
    const ValueId log =
        b.node("Log", "log", {b.node("Clip", "clip", {bands, b.constant("least", {}, {1e-5f})})});
    b.output(b.node("MatMul", "next", {log, b.constant("w", {3, 1}, {1, 2, 3})}));
    QuantizeConfig config;
    config.spectra = spectra;
    CHECK(left_in_float(b, config) ==
          (spectra == SpectrumHandling::Float ? Names{"transform", "bands"} : Names{}));
  }
}

TEST_CASE("a spectrum without a logarithm is quantized, but not side by side with other values") {
  for (const bool side_by_side : {false, true}) {
    GraphBuilder b;
    const ValueId x = b.input("x", {1, 1, 8});
    const ValueId magnitude = b.node("Sqrt", "magnitude", {energies(b, x)});
    const ValueId features =
        side_by_side ? b.node("Concat", "features", {magnitude, b.node("Tanh", "t", {magnitude})},
                              {{"axis", int64_t{2}}})
                     : magnitude;
    const int64_t width = side_by_side ? 14 : 7;
    b.output(b.node("MatMul", "reader",
                    {features, b.constant("w", {width, 1},
                                          std::vector<float>(static_cast<size_t>(width), 1))}));
    CHECK(left_in_float(b) == (side_by_side ? Names{"reader"} : Names{}));
  }
}

TEST_CASE("a norm's squares are no spectrum") {
  GraphBuilder b;
  const ValueId y =
      b.node("MatMul", "first", {b.input("x", {2, 2}), b.constant("w", {2, 2}, {1, 2, 3, 4})});
  const ValueId mean = b.node("ReduceMean", "mean", {b.node("Mul", "square", {y, y})},
                              {{"axes", std::vector<int64_t>{1}}});
  const ValueId norm = b.node("Div", "norm", {y, b.node("Sqrt", "root", {mean})});
  b.output(
      b.node("Log", "log", {b.node("MatMul", "last", {norm, b.constant("v", {2, 1}, {1, 2})})}));
  CHECK(left_in_float(b).empty());
}
