// What rescaling leaves as it is, and what it evens out.
#include "quant/rescale.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <functional>

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

namespace {
size_t count(const Graph& graph, const std::string& op_type) {
  size_t found = 0;
  for (NodeId id : graph.nodes()) found += graph.node(id).op_type == op_type;
  return found;
}

// Uneven, and with a period that no shape here has.
std::vector<float> waves(size_t count, float phase, float scale = 1) {
  std::vector<float> out;
  for (size_t i = 0; i < count; ++i)
    out.push_back(scale * (std::sin(1.7f * static_cast<float>(i) + phase) + 0.1f));
  return out;
}

ValueId weights(GraphBuilder& b, const char* name, Shape shape) {
  return b.constant(name, shape, waves(shape.elements(), static_cast<float>(name[1])));
}

constexpr int64_t kChannels = 4;
const std::vector<float> kTokens = waves(12, 0.3f, 2); // [1, 3, kChannels]

using Make = std::function<ValueId(GraphBuilder&, ValueId)>;

// What SmoothQuant makes of a product that reads what `make` makes of x, in how many nodes of its
// own.
void check_smoothed(const Make& make, size_t added) {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 3, kChannels});
  const ValueId made = make(b, x);
  b.output(b.node("MatMul", "last", {made, weights(b, "w9", {kChannels, 2})}));
  const std::vector<float> before = run(b.graph, kTokens);
  const size_t nodes = b.graph.nodes().size(), factors = count(b.graph, "Mul");
  QuantizeConfig config;
  config.smooth = 0.5f;
  const auto largest_weight = largest(weights_of(b.graph, "last").values<float>());
  REQUIRE_FALSE(rescale(b.graph, config, kTokens).rescaled.empty());
  check_close(run(b.graph, kTokens), before);
  CHECK(largest(weights_of(b.graph, "last").values<float>()) != largest_weight);
  CHECK(b.graph.nodes().size() == nodes + added);
  CHECK(count(b.graph, "Mul") == factors + added);
}

ValueId normalised(GraphBuilder& b, ValueId x) {
  const ValueId norm = b.node("LayerNormalization", "norm",
                              {x, weights(b, "g1", {kChannels}), weights(b, "g2", {kChannels})});
  b.graph.node(b.graph.value(norm).producer).attributes.set("axis", int64_t{-1});
  return norm;
}

ValueId linear(GraphBuilder& b, ValueId x, const char* name, const char* w, const char* bias) {
  const ValueId product = b.node("MatMul", w, {x, weights(b, w, {kChannels, kChannels})});
  return b.node("Add", name, {weights(b, bias, {kChannels}), product});
}

ValueId transposed_heads(GraphBuilder& b, const char* name, ValueId x) {
  const ValueId out = b.node("Transpose", name, {x});
  b.graph.node(b.graph.value(out).producer)
      .attributes.set("perm", std::vector<int64_t>{0, 2, 1, 3});
  return out;
}

// The values of an attention of two heads with given weights, through a Reshape to `joined`.
ValueId attention(GraphBuilder& b, ValueId x, std::vector<int64_t> joined) {
  const ValueId values = linear(b, x, "values", "w1", "b1");
  const ValueId split = b.node("Reshape", "split", {values, b.ints("heads", {1, 3, 2, 2})});
  const ValueId mixed = b.node(
      "MatMul", "mixed", {weights(b, "p", {1, 2, 3, 3}), transposed_heads(b, "forth", split)});
  return b.node("Reshape", "joined",
                {transposed_heads(b, "back", mixed), b.ints("all", std::move(joined))});
}
} // namespace

TEST_CASE("what a normalisation yields is smoothed in its gain and bias") {
  check_smoothed(normalised, 0);
  check_smoothed(
      [](GraphBuilder& b, ValueId x) {
        const ValueId scaled = b.node("Mul", "scaled", {x, weights(b, "g1", {kChannels})});
        return b.node("Add", "shifted", {scaled, weights(b, "g2", {kChannels})});
      },
      0);
  check_smoothed(
      [](GraphBuilder& b, ValueId x) {
        return b.node("RMSNormalization", "norm", {x, weights(b, "g1", {kChannels})});
      },
      0);
}

TEST_CASE("what other products make is smoothed in their weights") {
  // What these read is an input of the graph, which nothing can absorb.
  check_smoothed([](GraphBuilder& b,
                    ValueId x) { return b.node("Relu", "r", {linear(b, x, "sum", "w1", "b1")}); },
                 1);
  check_smoothed(
      [](GraphBuilder& b, ValueId x) {
        const ValueId rows = b.node("Reshape", "rows", {x, b.ints("to", {-1, kChannels})});
        const ValueId y =
            b.node("Gemm", "y",
                   {rows, weights(b, "w1", {kChannels, kChannels}), weights(b, "b1", {kChannels})},
                   {{"transB", int64_t{1}}, {"alpha", 0.5f}, {"beta", 2.0f}});
        return b.node("Reshape", "back", {y, b.ints("from", {1, 3, kChannels})});
      },
      0); // its operand stays as it is, for it scales its bias
  check_smoothed(
      [](GraphBuilder& b, ValueId x) {
        const ValueId gate = b.node("Sigmoid", "gate", {linear(b, x, "s", "w1", "b1")});
        return b.node("Mul", "gated", {gate, linear(b, x, "up", "w2", "b2")});
      },
      1);
  check_smoothed([](GraphBuilder& b, ValueId x) { return attention(b, x, {1, 3, 4}); }, 1);
  check_smoothed(
      [](GraphBuilder& b, ValueId x) {
        const ValueId half = b.constant("half", {}, {0.5f});
        const ValueId less = b.node("Sub", "less", {linear(b, x, "s", "w1", "b1"), half});
        return b.node("Div", "more", {less, half});
      },
      1);
}

TEST_CASE("what others read too, or nothing can absorb, is divided by a node") {
  check_smoothed(
      [](GraphBuilder& b, ValueId x) {
        const ValueId y = normalised(b, x);
        b.output(b.node("Abs", "other", {y}));
        return y;
      },
      1);
  check_smoothed(
      [](GraphBuilder& b, ValueId x) {
        const ValueId y = linear(b, x, "sum", "w1", "b1");
        b.output(b.node("Abs", "other", {y}));
        return b.node("Relu", "r", {y});
      },
      2);
  check_smoothed(
      [](GraphBuilder& b, ValueId x) {
        return b.node("Sigmoid", "s", {linear(b, x, "sum", "w1", "b1")});
      },
      2);
  check_smoothed(
      [](GraphBuilder& b, ValueId x) {
        const ValueId y = linear(b, x, "sum", "w1", "b1");
        return b.node("Mul", "square", {y, y});
      },
      2);
  // One column of weights, spread over the channels.
  check_smoothed(
      [](GraphBuilder& b, ValueId x) {
        const ValueId one = b.node("MatMul", "one", {x, weights(b, "w1", {kChannels, 1})});
        return b.node("Add", "spread", {one, weights(b, "b1", {kChannels})});
      },
      2);
}

TEST_CASE("what asks for the shape of a value does not keep it from being smoothed") {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 3, kChannels});
  const ValueId y = normalised(b, x);
  b.output(b.node("MatMul", "last", {y, weights(b, "w9", {kChannels, 2})}));
  b.output(b.node("Shape", "shape", {y}));
  const size_t nodes = b.graph.nodes().size();
  QuantizeConfig config;
  config.smooth = 0.5f;
  CHECK(rescale(b.graph, config, kTokens).rescaled.size() == 1);
  CHECK(b.graph.nodes().size() == nodes);
}

namespace {
constexpr int64_t kMaps = 3;
const std::vector<float> kMapsOfX = waves(2 * kMaps * 16, 0.9f, 3); // [2, kMaps, 4, 4]

// What equalization makes of what `make` makes of x; the number of layers that it has scaled.
size_t equalized(const Make& make) {
  GraphBuilder b;
  b.output(make(b, b.input("x", {2, kMaps, 4, 4})));
  const std::vector<float> before = run(b.graph, kMapsOfX);
  const size_t scaled = rescale(b.graph, equalizing(), kMapsOfX).rescaled.size();
  check_close(run(b.graph, kMapsOfX), before);
  return scaled;
}

ValueId convolution(GraphBuilder& b, ValueId x, const char* name, const char* w, int64_t from,
                    int64_t to) {
  return b.node("Conv", name, {x, weights(b, w, {to, from, 1, 1}), weights(b, name, {to})});
}

ValueId depthwise(GraphBuilder& b, ValueId x, const char* name, const char* w, int64_t channels) {
  return b.node("Conv", name, {x, weights(b, w, {channels, 1, 3, 3})},
                {{"group", channels}, {"pads", std::vector<int64_t>{1, 1, 1, 1}}});
}
} // namespace

TEST_CASE("equalization scales the bounds of a clip by channel") {
  const auto clipped = [](float low, float high) {
    return [=](GraphBuilder& b, ValueId x) {
      const ValueId c = convolution(b, x, "c1", "w1", kMaps, 5);
      const ValueId clip =
          b.node("Clip", "clip", {c, b.constant("low", {}, {low}), b.constant("high", {}, {high})});
      const ValueId d = depthwise(b, clip, "c2", "w2", 5);
      const ValueId six =
          b.node("Clip", "six", {d, b.constant("zero", {}, {0}), b.constant("top", {}, {high})});
      return convolution(b, six, "c3", "w3", 5, 2);
    };
  };
  CHECK(equalized(clipped(0, 1.5f)) == 2);
  CHECK(equalized(clipped(-0.5f, 1.5f)) == 2);
  CHECK(equalized(clipped(-0.5f, INFINITY)) == 2);
}

TEST_CASE("equalization passes slopes by channel, pools and gates, and evens out all readers") {
  CHECK(equalized([](GraphBuilder& b, ValueId x) {
          const ValueId c = convolution(b, x, "c1", "w1", kMaps, 5);
          const ValueId r = b.node("PRelu", "r", {c, weights(b, "s1", {5, 1, 1})});
          return convolution(b, b.node("GlobalMaxPool", "p", {r}), "c2", "w2", 5, 2);
        }) == 1);
  // Squeeze and excitation: the gate reads the channels too.
  CHECK(equalized([](GraphBuilder& b, ValueId x) {
          const ValueId r = b.node("Relu", "r", {convolution(b, x, "c1", "w1", kMaps, 5)});
          const ValueId pooled = b.node("GlobalAveragePool", "p", {r});
          const ValueId squeezed = b.node("Relu", "q", {convolution(b, pooled, "c2", "w2", 5, 2)});
          const ValueId gate = b.node("Sigmoid", "g", {convolution(b, squeezed, "c3", "w3", 2, 5)});
          return convolution(b, b.node("Mul", "m", {r, gate}), "c4", "w4", 5, 2);
        }) == 3);
}

TEST_CASE("equalization of matrix products") {
  CHECK(equalized([](GraphBuilder& b, ValueId x) {
          const ValueId r = b.node("Relu", "r", {convolution(b, x, "c1", "w1", kMaps, 5)});
          const ValueId flat = b.node("Flatten", "flat", {r});
          const ValueId y =
              b.node("Gemm", "y", {flat, weights(b, "w2", {6, 80})}, {{"transB", int64_t{1}}});
          const ValueId z =
              b.node("MatMul", "z", {b.node("Relu", "s", {y}), weights(b, "w3", {6, 7})});
          const ValueId sum = b.node("Add", "sum", {z, weights(b, "b3", {7})});
          return b.node("MatMul", "end",
                        {b.node("LeakyRelu", "t", {sum}), weights(b, "w4", {7, 2})});
        }) == 3);
  // A matrix product reads the last axis, not the channels.
  CHECK(equalized([](GraphBuilder& b, ValueId x) {
          const ValueId c = convolution(b, x, "c1", "w1", kMaps, 4);
          return b.node("MatMul", "y", {c, weights(b, "w2", {4, 2})});
        }) == 0);
}

TEST_CASE("equalization leaves alone what meets the same channels twice") {
  CHECK(equalized([](GraphBuilder& b, ValueId x) {
          const ValueId c = convolution(b, x, "c1", "w1", kMaps, 5);
          const ValueId product =
              b.node("Mul", "m", {b.node("Relu", "r", {c}), b.node("LeakyRelu", "l", {c})});
          return convolution(b, product, "c2", "w2", 5, 2);
        }) == 0);
  CHECK(equalized([](GraphBuilder& b, ValueId x) {
          const ValueId c = convolution(b, x, "c1", "w1", kMaps, 5);
          return convolution(b, b.node("Add", "a", {c, b.node("Relu", "r", {c})}), "c2", "w2", 5,
                             2);
        }) == 0);
}

TEST_CASE("two layers that meet in a product both give their scales to what reads it") {
  CHECK(equalized([](GraphBuilder& b, ValueId x) {
          const ValueId one = b.node("Relu", "r", {convolution(b, x, "c1", "w1", kMaps, 5)});
          const ValueId two = b.node("Relu", "s", {convolution(b, x, "c2", "w2", kMaps, 5)});
          const ValueId clip =
              b.node("Clip", "clip",
                     {b.node("Mul", "m", {one, two}), b.constant("low", {}, {0.25f}),
                      b.constant("high", {}, {2})});
          return convolution(b, clip, "c3", "w3", 5, 2);
        }) == 2);
}
