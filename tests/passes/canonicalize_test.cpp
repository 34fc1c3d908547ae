// The canonical passes, as printed graphs before and after.
#include <catch2/catch.hpp>

#include "passes/pipeline.h"
#include "tests/support/graph_builder.h"

using namespace octet;
using octet::test::GraphBuilder;
using octet::test::nodes_of;

namespace {
std::vector<float> values_of(const Graph& graph, ValueId id) {
  const auto values = graph.constant(id)->values<float>();
  return {values.begin(), values.end()};
}
} // namespace

TEST_CASE("constants are folded, Constant nodes among them, and what nobody reads is dropped") {
  GraphBuilder b;
  const ValueId x = b.input("x", {2});
  const ValueId c = b.node("Constant", "c", {}, {{"value", Tensor::of<float>({2}, {1, 2})}});
  const ValueId sum = b.node("Add", "sum", {c, b.constant("d", {2}, {10, 20})});
  b.node("Neg", "unused", {x});
  b.output(b.node("Mul", "y", {x, sum}));
  canonicalize(b.graph);
  CHECK(nodes_of(b.graph) == "y = Mul(x, sum)\n");
  CHECK(values_of(b.graph, sum) == std::vector<float>{11, 22});
  CHECK_FALSE(b.graph.value(c).constant);
}

TEST_CASE("a weight behind DequantizeLinear stays an integer") {
  GraphBuilder b;
  const ValueId codes = b.graph.add_constant("codes", Tensor::of<int8_t>({2}, {1, 2}));
  const ValueId w = b.node("DequantizeLinear", "w", {codes, b.constant("scale", {}, {0.5f})});
  b.output(b.node("Mul", "y", {b.input("x", {2}), w}));
  canonicalize(b.graph);
  CHECK(nodes_of(b.graph) == "w = DequantizeLinear(codes, scale)\ny = Mul(x, w)\n");
}

TEST_CASE("identities and dropouts go, and a graph output keeps its name") {
  GraphBuilder b;
  const ValueId x = b.input("x", {2});
  const ValueId relu = b.node("Relu", "relu", {b.node("Identity", "i", {x})});
  b.output(b.node("Dropout", "y", {relu}));
  canonicalize(b.graph);
  CHECK(nodes_of(b.graph) == "y = Relu(x)\n");
}

TEST_CASE("an identity between an input and an output stays") {
  GraphBuilder b;
  b.output(b.node("Identity", "y", {b.input("x", {2})}));
  canonicalize(b.graph);
  CHECK(nodes_of(b.graph) == "y = Identity(x)\n");
}

TEST_CASE("a batch normalization and what scales or shifts channels fold into the convolution") {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 1, 4, 4});
  const ValueId w = b.constant("w", {2, 1, 1, 1}, {3, 5});
  const ValueId conv = b.node("Conv", "conv", {x, w, b.constant("b", {2}, {1, 1})});
  const ValueId norm =
      b.node("BatchNormalization", "norm",
             {conv, b.constant("gamma", {2}, {2, 4}), b.constant("beta", {2}, {10, 20}),
              b.constant("mean", {2}, {1, 1}), b.constant("var", {2}, {4, 16})},
             {{"epsilon", 0.0f}});
  b.output(b.node("Add", "y", {norm, b.constant("shift", {2, 1, 1}, {100, 200})}));
  canonicalize(b.graph);
  REQUIRE(b.graph.nodes().size() == 1);
  const Node& node = b.graph.node(b.graph.nodes()[0]);
  CHECK(b.graph.value(node.outputs[0]).name == "y");
  // scale = gamma / sqrt(var) = 1, 1; shift = beta − mean·scale + 100·… = 9 + 100, 19 + 200
  CHECK(values_of(b.graph, node.inputs[1]) == std::vector<float>{3, 5});
  CHECK(values_of(b.graph, node.inputs[2]) == std::vector<float>{1 + 9 + 100, 1 + 19 + 200});
}

TEST_CASE("a scale per channel is folded into a grouped transposed convolution") {
  GraphBuilder b;
  // Two groups, each of one input and two output channels: output channel 2·group + j.
  const ValueId x = b.input("x", {1, 2, 4, 4}), w = b.constant("w", {2, 2, 1, 1}, {1, 2, 3, 4});
  const ValueId conv = b.node("ConvTranspose", "conv", {x, w}, {{"group", int64_t{2}}});
  const ValueId scaled =
      b.node("Mul", "scaled", {conv, b.constant("scale", {1, 4, 1, 1}, {1, 10, 100, 1000})});
  b.output(b.node("Add", "y", {scaled, b.constant("shift", {4, 1, 1}, {5, 6, 7, 8})}));
  canonicalize(b.graph);
  REQUIRE(b.graph.nodes().size() == 1);
  const Node& node = b.graph.node(b.graph.nodes()[0]);
  CHECK(values_of(b.graph, node.inputs[1]) == std::vector<float>{1, 20, 300, 4000});
  CHECK(values_of(b.graph, node.inputs[2]) == std::vector<float>{5, 6, 7, 8});
}

TEST_CASE("a convolution whose result has another reader keeps its weights") {
  GraphBuilder b;
  const ValueId conv =
      b.node("Conv", "conv", {b.input("x", {1, 1, 4, 4}), b.constant("w", {1, 1, 1, 1}, {3})});
  b.output(conv);
  b.output(b.node("Mul", "y", {conv, b.constant("two", {}, {2})}));
  canonicalize(b.graph);
  CHECK(nodes_of(b.graph) == "conv = Conv(x, w)\ny = Mul(conv, two)\n");
}

TEST_CASE("constants of an enclosing graph are folded inside subgraphs") {
  GraphBuilder b;
  auto branch = std::make_shared<Graph>();
  branch->model = b.graph.model;
  const ValueId inner = branch->add_capture("inner", {.dtype = DType::Float32});
  const ValueId negated = branch->add_value("negated");
  branch->add_node({.op_type = "Neg", .inputs = {inner}, .outputs = {negated}});
  branch->add_output(negated);
  const ValueId c = b.constant("c", {1}, {7});
  const ValueId y = b.graph.add_value("y");
  Node node{.op_type = "If",
            .inputs = {b.input("cond", {}, DType::Bool)},
            .outputs = {y},
            .captures = {c}};
  node.attributes.set("then_branch", branch);
  node.attributes.set("else_branch", std::make_shared<Graph>(*branch));
  b.graph.add_node(std::move(node));
  b.output(y);
  canonicalize(b.graph);
  CHECK(branch->nodes().empty());
  CHECK(values_of(*branch, negated) == std::vector<float>{-7});
  CHECK(branch->captures().empty());
  CHECK(b.graph.node(b.graph.nodes()[0]).captures.empty());
}
