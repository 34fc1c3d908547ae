#include "passes/raise_opset.h"

#include <catch2/catch.hpp>

#include "base/error.h"
#include "tests/support/graph_builder.h"

using namespace octet;
using octet::test::GraphBuilder;

namespace {
const Node& only_node(const Graph& graph) {
  return graph.node(graph.nodes().at(0));
}
} // namespace

TEST_CASE("Clip's bounds become operands") {
  GraphBuilder b(9);
  b.output(b.node("Clip", "y", {b.input("x", {2})}, {{"min", 0.0f}, {"max", 6.0f}}));
  raise_opset(b.graph, 11);
  const Node& clip = only_node(b.graph);
  REQUIRE(clip.inputs.size() == 3);
  CHECK(b.graph.constant(clip.inputs[1])->values<float>()[0] == 0);
  CHECK(b.graph.constant(clip.inputs[2])->values<float>()[0] == 6);
  CHECK(clip.attributes.size() == 0);
  CHECK(b.graph.model.opset("") == 11);
}

TEST_CASE("Slice without axes slices the leading ones") {
  GraphBuilder b(9);
  b.output(b.node("Slice", "y", {b.input("x", {4, 4})},
                  {{"starts", std::vector<int64_t>{1, 0}}, {"ends", std::vector<int64_t>{3, 2}}}));
  raise_opset(b.graph, 11);
  const Node& slice = only_node(b.graph);
  REQUIRE(slice.inputs.size() == 4);
  CHECK(int64_values(*b.graph.constant(slice.inputs[3]), "axes") == std::vector<int64_t>{0, 1});
}

TEST_CASE("Upsample becomes a Resize with the coordinates it had") {
  GraphBuilder b(7);
  b.output(b.node("Upsample", "y", {b.input("x", {1, 1, 2, 2})},
                  {{"scales", std::vector<float>{1, 1, 2, 2}}, {"mode", std::string("nearest")}}));
  raise_opset(b.graph, 11);
  const Node& resize = only_node(b.graph);
  CHECK(resize.op_type == "Resize");
  CHECK(resize.attributes.get_string("coordinate_transformation_mode", "") == "asymmetric");
  CHECK(resize.attributes.get_string("nearest_mode", "") == "floor");
  CHECK(b.graph.constant(resize.inputs[2])->elements() == 4);
}

TEST_CASE("newer graphs are left alone, older ones refused") {
  GraphBuilder newer(13), older(6);
  newer.output(newer.node("Relu", "y", {newer.input("x", {1})}));
  raise_opset(newer.graph, 11);
  CHECK(newer.graph.model.opset("") == 13);
  CHECK_THROWS_AS(raise_opset(older.graph, 11), Error);
}
