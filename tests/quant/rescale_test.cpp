// What rescaling leaves as it is, and what it evens out.
#include "quant/rescale.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "base/error.h"
#include "passes/pipeline.h"
#include "runtime/session.h"
#include "tests/support/graph_builder.h"

using namespace octet;
using octet::test::GraphBuilder;

namespace {
std::vector<float> run(const Graph& graph, const std::vector<float>& x,
                       std::shared_ptr<ValueSink> sink = nullptr) {
  Session session(std::make_unique<Graph>(graph), lower, {.sink = std::move(sink)});
  const Port port = session.inputs()[0];
  const NamedTensor feed{port.name, Tensor::of<float>(*port.type.shape, std::span<const float>(x))};
  const auto outputs = session.run({&feed, 1}, {});
  const auto values = outputs[0].values<float>();
  return {values.begin(), values.end()};
}

QuantizationReport rescale(Graph& graph, const QuantizeConfig& config,
                           const std::vector<float>& x) {
  const auto job = make_rescaler(graph, config);
  if (auto sink = job->calibrator()) run(graph, x, std::move(sink));
  while (job->step()) {
  }
  return job->finish();
}

void check_close(const std::vector<float>& a, const std::vector<float>& b) {
  REQUIRE(a.size() == b.size());
  for (size_t i = 0; i < a.size(); ++i) CHECK(a[i] == Approx(b[i]).epsilon(1e-5).margin(1e-6));
}

const Tensor& weights_of(const Graph& graph, const std::string& node) {
  for (NodeId id : graph.nodes())
    if (graph.node(id).name == node || graph.value(graph.node(id).outputs[0]).name == node)
      return *graph.constant(graph.node(id).inputs[1]);
  FAIL("no node " << node);
  std::abort();
}

float largest(std::span<const float> values) {
  float most = 0;
  for (const float value : values) most = std::max(most, std::abs(value));
  return most;
}

const std::vector<float> kImage{1, -2, 3, 0.5f, 2, 1, -1, 4};

// Two convolutions whose channels differ widely, with `between` in the middle.
Graph two_convolutions(const char* between, bool second_reader = false) {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 2, 2, 2});
  const ValueId first = b.node("Conv", "first",
                               {x, b.constant("w1", {2, 2, 1, 1}, {100, 50, 0.01f, 0.02f}),
                                b.constant("b1", {2}, {3, 0.001f})});
  const ValueId middle = b.node(between, "middle", {first});
  const ValueId second =
      b.node("Conv", "second", {middle, b.constant("w2", {1, 2, 1, 1}, {0.5f, 7})});
  b.output(second);
  if (second_reader) b.output(b.node("Abs", "other", {middle}));
  return b.graph;
}

QuantizeConfig equalizing() {
  QuantizeConfig config;
  config.equalize = true;
  return config;
}
} // namespace

TEST_CASE("equalization evens out what two convolutions do to a channel, and changes no result") {
  Graph graph = two_convolutions("Relu");
  const std::vector<float> before = run(graph, kImage);
  const QuantizationReport report = rescale(graph, equalizing(), kImage);
  check_close(run(graph, kImage), before);
  REQUIRE(report.rescaled.size() == 1);
  CHECK(report.rescaled[0].method == "equalize");
  const auto first = weights_of(graph, "first").values<float>();
  const auto second = weights_of(graph, "second").values<float>();
  CHECK(largest(first.subspan(0, 2)) == Approx(std::abs(second[0])).epsilon(1e-3));
  CHECK(largest(first.subspan(2, 2)) == Approx(std::abs(second[1])).epsilon(1e-3));
}

TEST_CASE("equalization leaves alone what scales don't pass through, or others read") {
  for (Graph graph : {two_convolutions("Sigmoid"), two_convolutions("Relu", true)}) {
    const QuantizationReport report = rescale(graph, equalizing(), kImage);
    CHECK(report.rescaled.empty());
    CHECK(weights_of(graph, "first").values<float>()[0] == 100);
  }
  Graph excluded = two_convolutions("Relu");
  QuantizeConfig config = equalizing();
  for (NodeId id : excluded.nodes()) config.exclude_nodes.push_back(excluded.node(id).name);
  CHECK(rescale(excluded, config, kImage).rescaled.empty());
}

TEST_CASE("equalization of a depthwise convolution in a chain") {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 2, 2, 2});
  const ValueId a = b.node("Conv", "a", {x, b.constant("wa", {2, 2, 1, 1}, {9, 5, 0.01f, 0.02f})});
  const ValueId c = b.node("Conv", "c", {a, b.constant("wc", {2, 1, 1, 1}, {0.1f, 30})});
  b.graph.node(b.graph.value(c).producer).attributes.set("group", int64_t{2});
  b.output(b.node("Conv", "d",
                  {b.node("LeakyRelu", "r", {c}), b.constant("wd", {1, 2, 1, 1}, {2, 0.3f})}));
  const std::vector<float> before = run(b.graph, kImage);
  CHECK(rescale(b.graph, equalizing(), kImage).rescaled.size() == 2);
  check_close(run(b.graph, kImage), before);
}

TEST_CASE("SmoothQuant moves outliers from operands to weights, and changes no result") {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 4});
  const ValueId first = b.node("MatMul", "first", {x, b.constant("w", {4, 1}, {1, 2, 0.5f, 1})});
  const ValueId second = b.node("Gemm", "second", {x, b.constant("v", {4, 1}, {3, -1, 0.25f, 2})});
  b.output(b.node("Add", "sum", {first, second}));
  const std::vector<float> sample{100, 1, 0.1f, 0};
  const std::vector<float> before = run(b.graph, sample);
  QuantizeConfig config;
  config.smooth = 0.5f;
  CHECK(rescale(b.graph, config, sample).rescaled.size() == 2);
  check_close(run(b.graph, sample), before);
  size_t factors = 0;
  for (NodeId id : b.graph.nodes()) {
    const Node& node = b.graph.node(id);
    if (node.op_type != "Mul") continue;
    ++factors;
    // max|x| = 100 and max|w| = 3 in the first column.
    CHECK(b.graph.constant(node.inputs[1])->values<float>()[0] ==
          Approx(std::sqrt(3.0) / std::sqrt(100.0)));
  }
  CHECK(factors == 1);
}

TEST_CASE("SmoothQuant takes an exponent from 0 to 1") {
  Graph graph = two_convolutions("Relu");
  QuantizeConfig config;
  config.smooth = 1.5f;
  CHECK_THROWS_AS(make_rescaler(graph, config), Error);
}
