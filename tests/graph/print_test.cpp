#include <catch2/catch.hpp>

#include "graph/print.h"

using namespace octet;

TEST_CASE("a graph is printed line by line") {
  Graph graph;
  const ValueId x = graph.add_input("x", {.dtype = DType::Float32,
                                          .shape = Shape{kDynamicDim, 3, kDynamicDim},
                                          .symbols = {"N", "", ""}});
  const ValueId w = graph.add_constant("w", Tensor::of<int8_t>({2}, {1, 2}));
  graph.value(w).type.quant = QuantParams{.scales = {0.5f}, .zero_points = {3}};
  const ValueId s = graph.add_constant("s", Tensor::scalar(1.0f));
  graph.value(s).type.quant =
      QuantParams{.scales = {1, 2}, .zero_points = {0, 0}, .axis = 1, .block_size = 4};
  const ValueId y = graph.add_value("y");

  auto body = std::make_shared<Graph>();
  const ValueId inner = body->add_capture("inner", {});
  body->add_output(inner);
  Node node{
      .op_type = "Op", .domain = "octet", .inputs = {x, ValueId(), w}, .outputs = {y, ValueId()}};
  node.attributes.set("i", int64_t{-1});
  node.attributes.set("f", 0.5f);
  node.attributes.set("s", std::string("text"));
  node.attributes.set("t", Tensor::scalar(int64_t{1}));
  node.attributes.set("is", std::vector<int64_t>{1, 2});
  node.attributes.set("ss", std::vector<std::string>{"a", "b"});
  node.attributes.set("none", std::vector<float>{});
  node.attributes.set("o", Opaque{"?"});
  node.attributes.set("g", body);
  node.captures = {s};
  graph.add_node(std::move(node));
  graph.add_output(y);

  CHECK(print(graph) == R"(input x float32[N, 3, ?]
output y ?
constant w int8[2] {scale=0.5, zero_point=3}
constant s float32[] {2 scales, axis=1, block_size=4}
y, _ = octet.Op(x, _, w) {i=-1, f=0.5, s="text", t=int64[], is=[1, 2], ss=["a", "b"], none=[], o=opaque, g=graph}
  graph
    capture inner = s
    output inner ?
)");
}
